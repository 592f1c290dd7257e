import type { Engine } from "../world/engine.ts";
import { World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

/** Members that join one after the other get equal shares, one row at a time, and then nothing moves any more. */
async function oneRowAtATime(engine: Engine): Promise<void> {
  const world = new World(engine, 7);
  for (const shard of world.topic.open) world.topic.append(shard, 5);
  let most = 0;
  const wishes = new Map<string, string>();
  let moves = 0;
  world.hooks.landed = ({ after, before }) => {
    if (after === null) return;
    if (after.wantedBy === null || after.owner === null) wishes.delete(after.partition);
    else wishes.set(after.partition, after.wantedBy);
    if (after.wantedBy !== null && before?.wantedBy === null) moves += 1;
    const counts = Map.groupBy(wishes.values(), (member) => member);
    most = Math.max(most, ...[...counts.values()].map(({ length }) => length));
  };
  const a = await world.joined("a");
  const b = await world.joined("b");
  const c = await world.joined("c");
  await world.clock.advance(30_000);
  const shares = [a, b, c].map(({ partitions }) => partitions.length).toSorted((left, right) => left - right);
  requireEqual(shares, [2, 2, 3], "the shares");
  requireEqual(most, 1, "the most wishes of a member at a time");
  require(moves <= 5, `${moves} rows were asked for, where 5 are enough`);
  const before = moves;
  await world.clock.advance(60_000);
  requireEqual(moves, before, "the number of wishes when the shares are equal");
  const handed = [a, b, c].flatMap(({ events }) => events).filter(({ kind }) => kind === "lost");
  requireEqual(handed, [], "what was lost instead of handed over");
  await world.run(b.close());
  await world.clock.until(() => a.partitions.length + c.partitions.length === 7, "what is free is taken", 3_000);
  const left = [a, c].map(({ partitions }) => partitions.length).toSorted((left, right) => left - right);
  requireEqual(left, [3, 4], "the shares after one has left");
  await world.closeAll();
}

/** A dead owner answers no wish: its rows expire, and are then taken up to the share at once. */
async function aDeadOwnerExpires(engine: Engine): Promise<void> {
  const world = new World(engine, 4);
  const a = await world.joined("a");
  const b = world.member("b");
  a.process.freeze();
  await world.run(b.start());
  await world.clock.until(() => b.partitions.length === 4, "all rows are taken", 20_000);
  const times = new Set(b.of("assigned").map(({ atMs }) => atMs));
  requireEqual(times.size, 1, "the number of times at which free rows are taken");
  // A member that has asked and dies holds nobody up.
  const c = world.member("c");
  a.process.thaw();
  await world.run(c.start());
  c.process.freeze();
  await world.clock.advance(60_000);
  const owned = world.members.filter(({ name }) => name !== "c").flatMap(({ partitions }) => partitions);
  requireEqual(owned.toSorted(), ["s0", "s1", "s2", "s3"], "the rows that live members own");
  await world.closeAll();
}

/** A hand-over takes its time: meanwhile nothing more is asked for, and what is not needed any longer is withdrawn. */
async function besideASlowOwner(engine: Engine): Promise<void> {
  const world = new World(engine, 8);
  const a = await world.joined("a");
  a.revokingMs = 6_000;
  const b = await world.joined("b");
  let most = 0;
  for (let second = 0; second < 60; second += 1) {
    await world.clock.advance(1_000);
    const wanted = (await world.store.list()).filter(({ row }) => row.wantedBy !== null);
    most = Math.max(most, wanted.length);
  }
  requireEqual([a.partitions.length, b.partitions.length, most], [4, 4, 1], "the shares, and the most wishes, beside a slow owner");
  const c = await world.joined("c");
  await world.clock.advance(1_500);
  await world.run(c.close());
  const owned = (): number => a.partitions.length + b.partitions.length;
  await world.clock.advance(8_500);
  requireEqual(owned(), 8, "the rows that are owned when a member that had asked has left");
  await world.closeAll();
}

/** 9: one wish a member, only from one that has two more; free rows at once up to the share. */
export const oneSteal: Invariant = {
  name: "9 balance: one wish a member at a time, only where it makes the shares more equal, answered by a hand-over",
  mutants: [
    {
      name: "asks-for-the-last-one",
      file: "balance.ts",
      find: "if (most < own + 2) return null;",
      replace: "if (most < own + 1) return null;",
    },
    {
      name: "asks-again-and-again",
      file: "balance.ts",
      find: "if (wish !== undefined) {",
      replace: "if (wish !== undefined && rows.length === 0) {",
    },
    {
      name: "releases-without-revoking",
      file: "owned-leases.ts",
      find: "await abortable(sink.revoking(lease.assignment, times.holdMs), requests);",
      replace: "await times;\n    sink.lost(lease.assignment);\n    requests.throwIfAborted();",
    },
    {
      name: "keeps-what-others-want",
      file: "owned-leases.ts",
      find: "lease.beginHandOver();\n    this.#hooks.run(this.#handOver(lease));",
      replace: "void this.#handOver;",
    },
    {
      name: "takes-one-free-row",
      file: "balance.ts",
      find: "...free.slice(0, Math.max(0, share - counts.get(member)!))",
      replace: "...free.slice(0, 1)",
    },
    {
      name: "takes-more-than-its-share",
      file: "balance.ts",
      find: "...free.slice(0, Math.max(0, share - counts.get(member)!))",
      replace: "...free.slice(0, share)",
    },
    {
      name: "leaves-its-wish-behind",
      file: "member.ts",
      find: "this.#persist(() => this.#wish.withdraw());",
      replace: "Promise.resolve(false);",
    },
  ],
  async check(engine) {
    await oneRowAtATime(engine);
    await aDeadOwnerExpires(engine);
    await besideASlowOwner(engine);
  },
};
