import { World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";
import type { Engine } from "../world/engine.ts";

/** Two first members, between which messages arrive, mean the same "latest". */
async function oneMeaningOfLatest(engine: Engine): Promise<void> {
  const world = new World(engine, 4);
  for (const shard of world.topic.open) world.topic.append(shard, 10);
  const rowsAtFirst: number[] = [];
  world.hooks.assigned = () => {
    if (rowsAtFirst.length === 0) rowsAtFirst.push(world.topic.open.filter((shard) => world.store.columnsOf(shard) !== undefined).length);
  };
  const settings = { initialPosition: { kind: "latest" } } as const;
  const slowly = { fault: (call: string) => (call === "writeGroup" ? ({ kind: "slow", beforeMs: 500, afterMs: 0 } as const) : null) };
  const a = world.member("a", slowly, settings);
  const b = world.member("b", slowly, settings);
  const started = Promise.all([a.start(), b.start()]);
  await world.clock.advance(200);
  for (const shard of world.topic.open) world.topic.append(shard, 10);
  await world.run(started.then(() => undefined));
  const decided = (await world.store.readGroup())!.row;
  const c = world.member("c", {}, settings);
  await world.run(c.start());
  await world.clock.advance(20_000);
  requireEqual(rowsAtFirst, [4], "the number of rows at the first assignment");
  const { id, start } = (await world.store.readGroup())!.row;
  requireEqual([id, [...start]], [decided.id, [...decided.start]], "the start after another member has joined");
  requireEqual(new Set([...start.values()].map((place) => JSON.stringify(place))).size, 1, "the number of meanings of latest");
  const first = start.get("s0")!;
  require(first.kind === "at" && (first.position === "10" || first.position === "20"), "no position is stored for latest");
  const starts = [a, b, c].flatMap(({ assignments }) => assignments.map((assignment) => assignment.start));
  require(starts.every((place) => place?.kind === "after" || JSON.stringify(place) === JSON.stringify(first)), "a member starts elsewhere");
  // A partition that comes later starts at its beginning.
  const grown = world.topic.grow();
  world.topic.append(grown, 3);
  await world.clock.until(
    () => [a, b, c].some((member) => member.of("delivered", grown).length > 0),
    "the later partition is read",
    60_000,
  );
  await world.closeAll();
}

/** The rows of a foreign client are where the group starts. */
async function adoptsForeignRows(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  for (const shard of world.topic.open) world.topic.append(shard, 10);
  world.store.edit("s0", { partition: "s0", epoch: "4", beat: "9", place: "after 6", moved: "0", checkpointOwner: "kcl" });
  const a = await world.joined("a", {}, { initialPosition: "fail" });
  await world.clock.advance(3_000);
  requireEqual(
    a.of("delivered", "s0").map(({ first, last }) => [first, last]),
    [[7, 9]],
    "what is delivered behind a foreign checkpoint",
  );
  requireEqual(
    a.of("delivered", "s1").map(({ first }) => first),
    [0],
    "where a partition without a foreign checkpoint starts",
  );
  requireEqual(world.store.columnsOf("s0")!["checkpointOwner"], "kcl", "a foreign column after our writes");
  await world.closeAll();
}

/** Foreign clients remove the rows of what they have handled to its end, once its children have begun: none of it comes again. */
async function readsNothingBeforeForeignRows(engine: Engine): Promise<void> {
  const world = new World(engine, 4);
  for (const shard of world.topic.open) world.topic.append(shard, 10);
  // s4 comes of s0 and s1, s5 and s6 of s4, s7 and s8 of s2. The foreign client has begun in s5, and not yet in s7 and s8.
  const [merged] = world.topic.merge("s0", "s1");
  world.topic.append(merged!, 10);
  const [left, right] = world.topic.split(merged!);
  const [other, another] = world.topic.split("s2");
  for (const shard of [left!, right!, other!, another!]) world.topic.append(shard, 10);
  const row = (partition: string, parent: string, place: string): void =>
    world.store.edit(partition, { partition, parents: JSON.stringify([parent]), epoch: "4", beat: "9", place, moved: "0" });
  row(left!, merged!, "after 6");
  row(other!, "s2", "earliest");
  const a = await world.joined("a", {}, { initialPosition: "fail" });
  await world.clock.advance(60_000);
  const firstOf = (shard: string): number | undefined => a.of("delivered", shard)[0]?.first;
  requireEqual(["s0", "s1", merged!].map(firstOf), [undefined, undefined, undefined], "what is delivered of ended shards without a row");
  requireEqual([left!, right!].map(firstOf), [7, 0], "where shards behind them start");
  requireEqual(["s2", "s3", other!, another!].map(firstOf), [0, 0, 0, 0], "where shards start of which nothing is known to be handled");
  await world.closeAll();
}

/** Where a row of a foreign client starts at a time, so do its parents: whoever gives the time may mean an earlier one. */
async function startsParentsAtTheTimeOfTheirChildren(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  const [left, right] = world.topic.split("s0");
  for (const [shard, place] of [
    [left!, "timestamp 700"],
    [right!, "timestamp 500"],
  ] as const) {
    world.store.edit(shard, { partition: shard, parents: '["s0"]', epoch: "4", beat: "9", place, moved: "0" });
  }
  await world.joined("a", {}, { initialPosition: "fail" });
  const { start } = (await world.store.readGroup())!.row;
  requireEqual(start.get("s0"), { kind: "timestamp", timestampMs: 500 }, "where the parent of rows starts that name a time");
  await world.closeAll();
}

/** A store of another topic, and a group that must not be created. */
async function refusesWhatIsNotItsOwn(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  await world.joined("a");
  const shape = world.topic.shape;
  Object.defineProperty(world.topic, "shape", { get: () => ({ ...shape, identity: { ...shape.identity, topic: "a.b" } }) });
  const refused = await world.run(
    world
      .member("b")
      .start()
      .then(
        () => "started",
        (error: { code: string }) => error.code,
      ),
  );
  requireEqual(refused, "conflict", "the answer of a store that belongs to another topic");
  const empty = new World(engine, 1);
  const missing = await empty.run(
    empty
      .member("c", {}, { initialPosition: "fail" })
      .start()
      .then(
        () => "started",
        (error: { code: string }) => error.code,
      ),
  );
  requireEqual(missing, "not-found", "the answer where the group must not be created");
  requireEqual(await empty.store.readGroup(), null, "the row of a group that must not be created");
}

/** 7: one write decides where the group starts. */
export const start: Invariant = {
  name: "7 start: one row decides it for all partitions, before the first assignment; later partitions start at their beginning",
  mutants: [
    {
      name: "each-member-starts-by-itself",
      file: "group-start.ts",
      find: "if (found?.row.identity.incarnation === identity.incarnation) return found;",
      replace: "if (found?.row.identity.incarnation === identity.incarnation && found.row.attention > 0) return found;",
    },
    {
      name: "assigns-before-all-rows-are-there",
      file: "group-rows.ts",
      find: "await inParallel(this.#missing(known, group), async (child)",
      replace: "await inParallel(this.#missing(known, group).slice(0, 1), async (child)",
    },
    {
      name: "later-partitions-start-at-the-end",
      file: "lease-row.ts",
      find: 'return start.get(partition) ?? { kind: "earliest" };',
      replace: 'return start.get(partition) ?? { kind: "latest" };',
    },
    {
      name: "overlooks-foreign-rows",
      file: "adopted-start.ts",
      find: "rows.filter(({ row }) => row.groupId === null)",
      replace: "rows.filter(({ row }) => row.groupId === row.partition)",
    },
    {
      name: "reads-what-foreign-clients-have-ended",
      file: "adopted-start.ts",
      find: "return withParents(foreign, partitions);",
      replace: "return foreign;",
    },
    {
      name: "ends-parents-of-what-has-not-begun",
      file: "adopted-start.ts",
      find: 'if (place.kind === "earliest") continue;',
      replace: "",
    },
    {
      name: "looks-at-parents-only",
      file: "adopted-start.ts",
      find: "waiting.push([parent, next]);",
      replace: "",
    },
    {
      name: "ends-parents-of-what-starts-at-a-time",
      file: "adopted-start.ts",
      find: 'place.kind === "timestamp" ? place : { kind: "ended" }',
      replace: '{ kind: "ended" }',
    },
    {
      name: "takes-any-store",
      file: "group-start.ts",
      find: "if (identity.cluster === here.cluster && identity.topic === here.topic) return;",
      replace: "if (identity.cluster === here.cluster) return;",
    },
  ],
  async check(engine) {
    await oneMeaningOfLatest(engine);
    await adoptsForeignRows(engine);
    await readsNothingBeforeForeignRows(engine);
    await startsParentsAtTheTimeOfTheirChildren(engine);
    await refusesWhatIsNotItsOwn(engine);
  },
};
