import { isStreamError } from "../../../../src/driver/index.ts";
import type { LeaseRow } from "../../../../src/leases/index.ts";
import type { Engine } from "../world/engine.ts";
import type { StoreFault, StoreHooks } from "../world/hostile-store.ts";
import type { SimMember } from "../world/sim-member.ts";
import { HOLD_MS, SIGNAL, WATCH_MS, World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

/** A throttled store refuses for so long: longer than the three attempts of one write take. */
const REFUSED_MS = 1_500;
/** All rows are listed twice in a session: what only a list finds takes up to 30 s, and what only an expiry frees more than a minute. */
const LONG_SESSION = { sessionTimeoutMs: 60_000 };
const PROMPT_MS = REFUSED_MS + 4 * WATCH_MS;

type Row = Parameters<NonNullable<StoreHooks["fault"]>>[1];

/** Refuses the calls that are meant from the first one on, for some time. */
class Refusals {
  readonly #world: World;
  readonly #isMeant: (call: string, row: Row) => boolean;
  firstMs: number | null = null;

  constructor(world: World, isMeant: (call: string, row: Row) => boolean) {
    this.#world = world;
    this.#isMeant = isMeant;
  }

  readonly fault = (call: string, row: Row): StoreFault | null => {
    if (!this.#isMeant(call, row)) return null;
    const nowMs = this.#world.clock.nowMs();
    this.firstMs ??= nowMs;
    return nowMs < this.firstMs + REFUSED_MS ? { kind: "refused" } : null;
  };
}

function isRelease(call: string, row: Row): row is LeaseRow {
  return call === "swap" && row !== null && "owner" in row && row.owner === null;
}

async function owners(world: World): Promise<readonly (string | null)[]> {
  return (await world.store.list()).map(({ row }) => row.owner);
}

async function requireTaken(world: World, member: SimMember, rows: number, what: string): Promise<void> {
  const sinceMs = world.clock.nowMs();
  await world.clock.until(() => member.partitions.length === rows, `${what} is taken`);
  const tookMs = world.clock.nowMs() - sinceMs;
  require(tookMs <= PROMPT_MS, `${what} was taken after ${tookMs} ms`);
}

/** A row is handed over. */
async function whileRunning(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  const refusals = new Refusals(world, isRelease);
  const a = await world.joined("a", { fault: refusals.fault }, LONG_SESSION);
  const b = await world.joined("b", {}, LONG_SESSION);
  await world.clock.until(() => refusals.firstMs !== null, "a release is refused");
  // Meanwhile the member looks at all rows.
  const group = (await world.store.readGroup())!;
  await world.store.writeGroup(group, { ...group.row, attention: group.row.attention + 1 });
  await requireTaken(world, b, 1, "a row whose release was refused at a hand-over");
  requireEqual(a.assignments.length, 2, "the number of ownerships of a member that hands over one of two rows");
  await world.closeAll();
}

/** A member leaves. */
async function atClose(engine: Engine): Promise<void> {
  const world = new World(engine, 5);
  const refusals = new Refusals(world, isRelease);
  const a = await world.joined("a", { fault: refusals.fault });
  await world.run(a.close());
  requireEqual(await owners(world), [null, null, null, null, null], "the owners of rows whose releases were refused at first");
  requireEqual(world.clock.sleeping, 0, "the number of timers that are left by a member whose releases were refused at first");
  await world.closeAll();
}

/** A member leaves a store that refuses everything: it has an end. */
async function atCloseWithoutAnEnd(engine: Engine): Promise<void> {
  const world = new World(engine, 40);
  let isLeaving = false;
  const a = await world.joined("a", { fault: () => (isLeaving ? { kind: "refused" } : null) });
  isLeaving = true;
  const leavingMs = world.clock.nowMs();
  await world.run(a.consumer.close());
  const tookMs = world.clock.nowMs() - leavingMs;
  require(tookMs <= HOLD_MS / 2 + 100, `a member whose releases are all refused has left after ${tookMs} ms`);
  await world.run(a.close());
  requireEqual(world.clock.sleeping, 0, "the number of timers that are left by a member whose releases are all refused");
}

/** A member leaves while a row is handed over. */
async function atCloseBesideAHandOver(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  const refusals = new Refusals(world, isRelease);
  const a = await world.joined("a", { fault: refusals.fault }, LONG_SESSION);
  const b = await world.joined("b", {}, LONG_SESSION);
  await world.clock.until(() => refusals.firstMs !== null, "a release is refused");
  await world.run(a.close());
  await requireTaken(world, b, 2, "what a member has left whose releases were refused");
  await world.closeAll();
}

/** A member leaves while it acquires rows: they are released by what acquires them. */
async function atCloseBesideAnAcquisition(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  const refusals = new Refusals(world, isRelease);
  const a = world.member("a", {
    fault: (call, row) => refusals.fault(call, row) ?? (call === "swap" ? { kind: "slow", beforeMs: 400, afterMs: 400 } : null),
  });
  const started = a.start().catch(() => undefined);
  await world.clock.advance(600);
  await world.run(Promise.all([started, a.close()]).then(() => undefined));
  require(refusals.firstMs !== null, "no release was refused");
  requireEqual(await owners(world), [null, null], "the owners of rows that were acquired while the member was closed");
  await world.closeAll();
}

/** A member leaves that has asked for a row: nobody may hand it over to it any more. */
async function wishAtClose(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  const a = await world.joined("a", {}, LONG_SESSION);
  a.revokingMs = 3_000;
  const refusals = new Refusals(world, (call, row) => call === "swap" && row !== null && "wantedBy" in row && row.wantedBy === null);
  const b = await world.joined("b", { fault: refusals.fault }, LONG_SESSION);
  await world.clock.until(() => a.of("revoking").length > 0, "a member is asked for a row");
  await world.run(b.close());
  require(refusals.firstMs !== null, "no withdrawal was refused");
  const leftMs = world.clock.nowMs();
  await world.clock.until(() => a.assignments.length === 3 && a.partitions.length === 2, "what a member has asked for and left is taken");
  const tookMs = world.clock.nowMs() - leftMs;
  require(tookMs <= a.revokingMs + PROMPT_MS, `what a member has asked for and left was taken after ${tookMs} ms`);
  await world.closeAll();
}

/** A member that leaves tells the others. */
async function attentionAtClose(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  let isLeaving = false;
  const refusals = new Refusals(world, (call) => call === "writeGroup" && isLeaving);
  const a = await world.joined("a", {}, LONG_SESSION);
  const b = await world.joined("b", { fault: refusals.fault }, LONG_SESSION);
  await world.clock.until(() => b.partitions.length === 1, "the shares are equal");
  isLeaving = true;
  await world.run(b.close());
  require(refusals.firstMs !== null, "no write of the group was refused");
  await requireTaken(world, a, 2, "what a member has left");
  await world.closeAll();
}

/** A reset takes a free row, and gives up because a member lives. */
async function afterAReset(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  const refusals = new Refusals(world, isRelease);
  const a = await world.joined("a", {}, LONG_SESSION);
  let isFree = false;
  const admin = world.admin("admin", {
    fault: (call, row) => {
      // An operator frees a row while the group is moved.
      if (call === "list" && !isFree) world.store.edit("s1", { owner: undefined });
      isFree ||= call === "list";
      return refusals.fault(call, row);
    },
  });
  const outcome = await world.run(admin.reset({ kind: "earliest" }, SIGNAL).catch((error: unknown) => error));
  require(isStreamError(outcome, "conflict"), `a reset beside a live member has ended with ${String(outcome)}`);
  require(refusals.firstMs !== null, "a reset has freed no row");
  await requireTaken(world, a, 2, "a row that a reset had taken and given up");
  await world.closeAll();
}

/** 15: what a store refuses for a while is tried again, also by a member that leaves. */
export const patience: Invariant = {
  name: "15 patience: what frees a row is tried again where the store refuses it, at a hand-over and at a close",
  mutants: [
    {
      name: "frees-by-one-write",
      file: "releases.ts",
      find: "persist({ clock, watchMs, signal: requests, retried }, () => lease.release());",
      replace: "lease.release();",
    },
    {
      name: "takes-back-what-it-hands-over",
      file: "member.ts",
      find: "this.#owned.holds(partition)",
      replace: "this.#owned.has(partition)",
    },
    {
      name: "close-does-not-wait-for-hand-overs",
      file: "owned-leases.ts",
      find: "await this.#releases.over();",
      replace: "",
    },
    {
      name: "frees-what-it-has-just-acquired-by-one-write",
      file: "acquisition.ts",
      find: "this.#owned.release(lease);",
      replace: "void lease.release().catch(() => undefined);",
    },
    {
      name: "withdraws-by-one-write",
      file: "member.ts",
      find: "this.#persist(() => this.#wish.withdraw());",
      replace: "this.#wish.withdraw();",
    },
    {
      name: "tells-others-by-one-write",
      file: "member.ts",
      find: "this.#persist(() => this.#raise(seen));",
      replace: "this.#raise(seen);",
    },
    {
      name: "gives-up-a-reset-by-one-write",
      file: "group-move.ts",
      find: "taken = (await this.#rows(group.row)).filter(isTaken);",
      replace: "taken = [];",
    },
    {
      name: "leaves-without-an-end",
      file: "member.ts",
      find: "return Promise.race([work.catch(() => late), over.then(() => late)]);",
      replace: "return work.catch(() => over.then(() => late));",
    },
  ],
  async check(engine) {
    await whileRunning(engine);
    await atClose(engine);
    await atCloseWithoutAnEnd(engine);
    await atCloseBesideAHandOver(engine);
    await atCloseBesideAnAcquisition(engine);
    await wishAtClose(engine);
    await attentionAtClose(engine);
    await afterAReset(engine);
  },
};
