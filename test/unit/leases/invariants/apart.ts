import type { Engine } from "../world/engine.ts";
import type { StoreHooks } from "../world/hostile-store.ts";
import { HOLD_MS, WATCH_MS, World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

const SHARDS = 5;
/** In the order of a turn others come before it and after it. */
const REFUSED = "s2";
/** The three attempts of one write, and some looks. */
const PROMPT_MS = 4 * WATCH_MS;

/** Refuses each acquisition of one row, and each renewal. */
function refusing(isRefused: () => boolean): StoreHooks {
  return {
    fault: (call, row) =>
      call === "swap" && row !== null && "partition" in row && row.partition === REFUSED && isRefused() ? { kind: "refused" } : null,
  };
}

async function requireOwned(world: World, member: { readonly partitions: readonly string[] }, rows: number, what: string): Promise<void> {
  const sinceMs = world.clock.nowMs();
  await world.clock.until(() => member.partitions.length === rows, what);
  const tookMs = world.clock.nowMs() - sinceMs;
  require(tookMs <= PROMPT_MS, `${what} after ${tookMs} ms`);
}

/** A member joins: one row cannot be written. */
async function atAJoin(engine: Engine): Promise<void> {
  const world = new World(engine, SHARDS);
  let isRefused = true;
  const a = world.member(
    "a",
    refusing(() => isRefused),
  );
  const starting = a.start();
  starting.catch(() => undefined);
  await requireOwned(world, a, SHARDS - 1, "a member has what the store does not refuse");
  await world.run(starting);
  require(a.of("joined").length > 0, "a member has not joined because of one row");
  await world.clock.advance(2 * HOLD_MS);
  requireEqual(a.assignments.length, SHARDS - 1, "the number of ownerships beside a row that is refused");
  requireEqual(a.of("rejoining").length, 0, "the number of lost contacts beside a row that is refused");
  isRefused = false;
  await requireOwned(world, a, SHARDS, "a row that was refused is taken");
  await world.closeAll();
}

/** All are lost in an outage, and come back without one. */
async function afterAnOutage(engine: Engine): Promise<void> {
  const world = new World(engine, SHARDS);
  let outage: "none" | "all" | "one" = "none";
  const one = refusing(() => outage === "one");
  const a = await world.joined("a", { fault: (call, row) => (outage === "all" ? { kind: "refused" } : one.fault!(call, row)) });
  outage = "all";
  await world.clock.until(() => a.partitions.length === 0, "all rows are lost in an outage");
  outage = "one";
  await requireOwned(world, a, SHARDS - 1, "after an outage a member has what the store does not refuse");
  outage = "none";
  await requireOwned(world, a, SHARDS, "a row that was refused longer is taken");
  await world.closeAll();
}

/** A row is written, and its answer is lost as often as it is tried. Then the member leaves. */
async function atAClose(engine: Engine, call: "swap" | "readGroup"): Promise<void> {
  const world = new World(engine, SHARDS);
  let isLost = false;
  let isLeaving = false;
  const a = world.member("a", {
    fault: (made, row) => {
      if (isLeaving) return null;
      if (made === "swap" && row !== null && "partition" in row && row.partition === REFUSED) isLost = true;
      if (call === "readGroup") return made === "readGroup" && isLost ? { kind: "refused" } : null;
      if (!isLost) return null;
      // What it has written cannot be read either.
      return made === "read"
        ? { kind: "refused" }
        : made === "swap" && "partition" in row! && row.partition === REFUSED
          ? { kind: "lost-answer" }
          : null;
    },
  });
  await world.run(a.start().catch(() => undefined));
  require(isLost, "nothing was lost");
  isLeaving = true;
  await world.run(a.close());
  const owned = (await world.store.list()).filter(({ row }) => row.owner !== null);
  requireEqual(owned, [], `the rows that a member has left behind an acquisition in doubt (${call})`);
  requireEqual(world.clock.sleeping, 0, "the number of timers that are left");
}

/** A store that refuses everything is not asked for every row in each turn. */
async function notEachOfMany(engine: Engine): Promise<void> {
  const world = new World(engine, 200);
  let swaps = 0;
  let isRefused = true;
  const a = world.member("a", {
    fault: (call) => {
      if (call !== "swap" || !isRefused) return null;
      swaps += 1;
      return { kind: "refused" };
    },
  });
  await world.run(a.start().catch(() => undefined));
  require(swaps <= 100, `${swaps} refused writes in the first turn`);
  isRefused = false;
  await world.closeAll();
}

/** 16: each row for itself. */
export const apart: Invariant = {
  name: "16 apart: a row that the store refuses holds up no other one, and what is acquired in doubt is freed at a close",
  mutants: [
    {
      name: "begins-nothing-beside-a-refusal",
      file: "acquisition.ts",
      find: "requireRepeatable(error, requests);",
      replace: "throw error;",
    },
    {
      name: "loses-the-group-beside-a-refusal",
      file: "acquisition.ts",
      find: "refusal !== undefined && this.#owned.size === 0",
      replace: "refusal !== undefined",
    },
    {
      name: "leaves-a-refusal-to-the-next-list",
      file: "member.ts",
      find: "|| this.#acquisition.hasRefused",
      replace: "",
    },
    {
      name: "leaves-what-it-has-written-in-doubt",
      file: "acquisition.ts",
      find: "if (held?.row.owner !== id) return false;",
      replace: "if (held?.row.owner !== null) return false;",
    },
    {
      name: "leaves-what-it-acquired-before-a-failure",
      file: "acquisition.ts",
      find: "for (const lease of unused) this.#owned.release(lease);",
      replace: "",
    },
    {
      name: "asks-for-each-of-many",
      file: "acquisition.ts",
      find: "if (refusals.size >= MOST_REFUSED) return;",
      replace: "",
    },
  ],
  async check(engine) {
    await atAJoin(engine);
    await afterAnOutage(engine);
    await atAClose(engine, "swap");
    await atAClose(engine, "readGroup");
    await notEachOfMany(engine);
  },
};
