import { isStreamError } from "../../../../src/driver/index.ts";
import type { Engine } from "../world/engine.ts";
import { Process } from "../world/virtual-clock.ts";
import { HOLD_MS, SIGNAL, World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "done",
    (error: unknown) => (isStreamError(error) ? error.code : String(error)),
  );
}

/** A group that stands at 30 in each of two shards, and whose members have left. */
async function leftGroup(engine: Engine): Promise<World> {
  const world = new World(engine, 2);
  for (const shard of world.topic.open) world.topic.append(shard, 30);
  const a = await world.joined("a");
  await world.clock.advance(5_000);
  await world.run(a.close());
  return world;
}

async function besideALiveMember(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  for (const shard of world.topic.open) world.topic.append(shard, 30);
  const a = await world.joined("a");
  await world.clock.advance(5_000);
  const before = (await world.store.list()).map(({ row }) => [row.partition, row.owner, String(row.epoch), row.place, String(row.moved)]);
  requireEqual(
    await world.run(codeOf(world.admin().reset({ kind: "earliest" }, SIGNAL))),
    "conflict",
    "the answer to a reset beside a member",
  );
  requireEqual(await world.run(codeOf(world.admin().remove(SIGNAL))), "conflict", "the answer to a deletion beside a member");
  const after = (await world.store.list()).map(({ row }) => [row.partition, row.owner, String(row.epoch), row.place, String(row.moved)]);
  requireEqual(after, before, "the rows after a reset that was refused");
  requireEqual((await world.store.readGroup())!.row.move, null, "the move after a reset that was refused");
  await world.clock.advance(20_000);
  requireEqual(a.of("lost"), [], "what a member loses by a reset that was refused");
  await world.closeAll();
}

async function movesEveryRowOnce(engine: Engine): Promise<void> {
  const world = await leftGroup(engine);
  const to = { kind: "position", partition: "s1", place: { kind: "at", position: "7" } } as const;
  await world.run(world.admin().reset(to, SIGNAL));
  requireEqual(
    [(await world.row("s0")).place, (await world.row("s1")).place],
    [
      { kind: "after", position: "29" },
      { kind: "at", position: "7" },
    ],
    "the places after a reset of one partition",
  );
  world.store.erase("s1");
  const late = await world.joined("late");
  requireEqual(
    late.assignments.find(({ partition }) => partition === "s1")!.start,
    to.place,
    "the start of a row that is made after a reset",
  );
  await world.run(late.close());
  await world.run(world.admin().reset({ kind: "earliest" }, SIGNAL));
  const rows = (await world.store.list()).map(({ row }) => [row.place.kind, row.owner, String(row.moved)]);
  requireEqual(
    rows,
    [
      ["earliest", null, "2"],
      ["earliest", null, "2"],
    ],
    "the rows after two resets",
  );
  const b = await world.joined("b");
  await world.clock.advance(3_000);
  requireEqual(b.of("delivered").filter(({ first }) => first === 0).length, 2, "how many shards are delivered from their beginning");
  await world.closeAll();
}

/** A member that was frozen anywhere in joining or taking delivers nothing from before a reset. */
async function besideAFrozenMember(engine: Engine): Promise<void> {
  for (let at = 1; at <= 14; at += 1) {
    const world = await leftGroup(engine);
    const a = world.member("a2");
    a.process.freezeAt = at;
    const started = a.start().catch(() => undefined);
    await world.clock.advance(500);
    require(a.process.isFrozen, `the member must be frozen at its wait ${at}`);
    const delivered = a.of("delivered").length;
    await world.run(world.admin().reset({ kind: "earliest" }, SIGNAL));
    a.process.thaw();
    await world.run(started.then(() => undefined));
    await world.clock.advance(5_000);
    const first = a
      .of("delivered")
      .slice(delivered)
      .map(({ first }) => first);
    requireEqual(first.slice(0, 2), [0, 0], `what a member delivers first that was frozen at its wait ${at} while the group was reset`);
    await world.closeAll();
  }
}

/** A member that finds no move and takes a row, beside a reset that begins in between, does not deliver it. */
async function besideATakingMember(engine: Engine): Promise<void> {
  const world = await leftGroup(engine);
  const process = new Process(world.clock);
  const admin = world.admin(
    "admin",
    { fault: (call) => (call === "list" ? { kind: "slow", beforeMs: 1_500, afterMs: 0 } : null) },
    process,
  );
  const a = world.member("a2", { fault: (call) => (call === "swap" ? { kind: "slow", beforeMs: 600, afterMs: 600 } : null) });
  const started = a.start();
  await world.clock.advance(300);
  const reset = codeOf(admin.reset({ kind: "earliest" }, SIGNAL));
  await world.clock.advance(1_300);
  const move = (await world.store.readGroup())!.row.move;
  require(move !== null, "the reset must be under way");
  requireEqual(a.of("assigned").length, 0, "the number of assignments while the group is moved");
  await world.run(Promise.all([reset, started]).then(() => undefined));
  await world.closeAll();
}

/** A mover that dies at any of its waits: somebody else completes what it has begun, once, or nothing of it happens. */
async function aMoverDies(engine: Engine): Promise<void> {
  for (let at = 1; at <= 14; at += 1) {
    const world = await leftGroup(engine);
    const process = new Process(world.clock);
    process.freezeAt = at;
    void world
      .admin("dying", {}, process)
      .reset({ kind: "earliest" }, SIGNAL)
      .catch(() => undefined);
    await world.clock.advance(1_000);
    const isBegun = (await world.store.readGroup())!.row.move !== null || (await world.store.readGroup())!.row.moves > 0n;
    const b = await world.joined("b");
    await world.clock.advance(HOLD_MS * 4);
    const group = (await world.store.readGroup())!.row;
    requireEqual([group.move, group.moves], [null, isBegun ? 1n : 0n], `the move of a mover that died at its wait ${at}`);
    requireEqual(
      b.of("delivered").filter(({ first }) => first === 0).length,
      isBegun ? 2 : 0,
      `how many shards come again after the mover died at its wait ${at}`,
    );
    requireEqual(b.partitions.length, 2, "the rows of a member after the move");
    // The dead mover comes back, and changes nothing.
    process.thaw();
    await world.clock.advance(HOLD_MS * 2);
    requireEqual(
      b.of("delivered").filter(({ first }) => first === 0).length,
      isBegun ? 2 : 0,
      `how many shards come again after the mover of wait ${at} thaws`,
    );
    requireEqual(b.of("lost"), [], "what is lost when the mover thaws");
    await world.closeAll();
  }
}

async function describesAndRemoves(engine: Engine): Promise<void> {
  const world = await leftGroup(engine);
  const described = await world.run(world.admin().describe(SIGNAL));
  requireEqual(
    [described?.members, [...described!.places.values()]],
    [
      0,
      [
        { kind: "after", position: "29" },
        { kind: "after", position: "29" },
      ],
    ],
    "the description",
  );
  await world.run(world.admin().remove(SIGNAL));
  requireEqual([await world.store.readGroup(), await world.store.list()], [null, []], "what is left of a deleted group");
  requireEqual(await world.run(codeOf(world.admin().remove(SIGNAL))), "not-found", "the answer to another deletion");
  requireEqual(await world.run(world.admin().describe(SIGNAL)), null, "the description of a deleted group");
  await world.run(world.admin().reset({ kind: "latest" }, SIGNAL));
  const b = await world.joined("b");
  await world.clock.advance(3_000);
  requireEqual(b.of("delivered"), [], "what is delivered to a group that was created at the end");
  requireEqual((await world.run(world.admin().describe(SIGNAL)))?.members, 1, "the number of members");
  b.process.freeze();
  requireEqual((await world.run(world.admin().describe(SIGNAL)))?.members, 0, "the number of members when the only one is dead");
  await world.closeAll();
}

/** 11: a reset happens once for each row, or not at all. */
export const reset: Invariant = {
  name: "11 reset: refused beside a live member, applied exactly once to each row, completed by others where its mover dies",
  mutants: [
    {
      name: "moves-beside-live-members",
      file: "expiry.ts",
      find: "return this.#alive.has(owner);",
      replace: "return this.#alive.has(`${owner} `);",
    },
    {
      name: "leaves-what-it-has-taken",
      file: "group-move.ts",
      find: "await this.abandon(group);\n  }",
      replace: "void this.abandon;\n  }",
    },
    {
      name: "forgets-to-free-what-it-took",
      file: "group-move.ts",
      find: "owner: null, wantedBy: null, beat: row.beat + 1n, moved: number }",
      replace: "wantedBy: null, beat: row.beat + 1n, moved: number }",
    },
    {
      name: "assigns-beside-a-reset",
      file: "acquisition.ts",
      find: "const isUnmoved = now?.id === group.id && now.move === null && now.moves === group.moves;",
      replace: "const isUnmoved = now?.id === group.id;",
    },
    { name: "nobody-completes-a-move", file: "move-watch.ts", find: "await this.#complete(group);", replace: "void this.#complete;" },
    {
      name: "places-twice",
      file: "group-move.ts",
      find: "if (row.moves >= move.number) return row;\n      return row.move?.by",
      replace:
        "if (row.moves > move.number) return row;\n      return row.moves === move.number ? { ...row, move, moves: row.moves - 1n } : row.move?.by",
    },
    {
      name: "moves-all-partitions",
      file: "lease-admin.ts",
      find: 'if (to.kind !== "position" || !isStarted) return places;',
      replace: 'if (to.kind !== "position" || isStarted) return places;',
    },
    { name: "keeps-old-starts", file: "group-move.ts", find: "start: new Map([...row.start, ...to])", replace: "start: row.start" },
  ],
  async check(engine) {
    await besideALiveMember(engine);
    await movesEveryRowOnce(engine);
    await besideAFrozenMember(engine);
    await besideATakingMember(engine);
    await aMoverDies(engine);
    await describesAndRemoves(engine);
  },
};
