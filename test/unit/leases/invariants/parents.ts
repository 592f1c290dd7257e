import type { Engine } from "../world/engine.ts";
import { World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

/** The child of a merge comes after both parents, also while one of them is slow. */
async function afterAllParents(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  for (const shard of world.topic.open) world.topic.append(shard, 5);
  const ended: string[] = [];
  world.hooks.landed = ({ after }) => {
    if (after?.place.kind !== "ended") return;
    ended.push(after.partition);
    const children = world.topic.childrenOf(after.partition).map(({ partition }) => partition);
    require(children.every(
      (child) => world.store.columnsOf(child) !== undefined,
    ), `${after.partition} is ended before its children have rows`);
  };
  const a = world.member("a");
  a.isAutomatic = false;
  await world.run(a.start());
  await world.clock.advance(2_000);
  const [child] = world.topic.merge("s0", "s1");
  world.topic.append(child!, 5);
  await world.clock.advance(5_000);
  requireEqual(a.of("ended").length, 2, "the number of shards that have ended");
  const of = (partition: string) => a.assignments.find((assignment) => assignment.partition === partition)!;
  requireEqual(await world.run(a.settle(of("s0"), "4", { ended: true })), null, "the answer to the end of a shard");
  await world.clock.advance(20_000);
  requireEqual(a.of("assigned", child).length, 0, "the number of assignments of a child while a parent is not ended");
  requireEqual(await world.run(a.settle(of("s1"), "4", { ended: true })), null, "the answer to the end of the other shard");
  await world.clock.until(() => a.of("delivered", child).length > 0, "the child is read", 5_000);
  requireEqual(ended.toSorted(), ["s0", "s1"], "the shards that are ended");
  await world.closeAll();
}

/** The row of a parent goes when the service has dropped the shard and the child has moved; a member with an old list removes nothing. */
async function removesWhatIsOutlived(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.topic.append("s0", 5);
  const old = await world.joined("old");
  const a = await world.joined("a");
  world.topic.split("s0");
  await world.clock.advance(20_000);
  require(world.store.columnsOf("s0") !== undefined, "the row of an ended shard that is listed was removed");
  world.topic.shards.get("s0")!.isListed = false;
  await world.clock.advance(40_000);
  require(world.store.columnsOf("s0") !== undefined, "the row of a shard whose children have not moved was removed");
  for (const shard of world.topic.open) world.topic.append(shard, 5);
  await world.clock.advance(60_000);
  requireEqual(world.store.columnsOf("s0"), undefined, "the row of a shard that is outlived");
  requireEqual([...old.of("lost"), ...a.of("lost")], [], "what is lost by it");
  await world.closeAll();
}

/** A member whose list of the topic is older than a shard takes neither the shard for gone nor its parent. */
async function distrustsAnOldList(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.describeMs = 3_600_000;
  world.topic.append("s0", 5);
  const a = await world.joined("a");
  a.process.freeze();
  const b = await world.joined("b");
  await world.clock.until(() => b.partitions.length === 1, "the other member takes over", 40_000);
  const [left, right] = world.topic.split("s0");
  for (const shard of world.topic.open) world.topic.append(shard, 5);
  await world.clock.until(() => b.of("settled", left).length > 0 && b.of("settled", right).length > 0, "the children are handled", 20_000);
  const [last] = world.topic.merge(left!, right!);
  world.topic.append(last!, 5);
  await world.clock.until(() => b.of("settled", last).length > 0, "the grandchild is handled", 20_000);
  a.process.thaw();
  await world.clock.advance(60_000);
  const c = await world.joined("c");
  await world.clock.advance(60_000);
  const shards = [left!, right!, last!];
  const begun = shards.map(
    (shard) => [a, b, c].flatMap((member) => member.of("delivered", shard)).filter(({ first }) => first === 0).length,
  );
  requireEqual(begun, [1, 1, 1], "how often each shard is handled from its beginning, beside a member with an old list");
  await world.closeAll();
}

/** A list of the topic is as old as its request: the process may have stood still before it had the answer. */
async function distrustsAListThatCameLate(engine: Engine): Promise<void> {
  for (let at = 1; at <= 12; at += 1) {
    const world = new World(engine, 1);
    world.topic.append("s0", 5);
    const a = world.member("a");
    a.process.freezeAt = at;
    const started = a.start().catch(() => undefined);
    await world.clock.advance(100);
    require(a.process.isFrozen, `the member must be frozen at its wait ${at}`);
    const b = await world.joined("b");
    await world.clock.until(() => b.of("settled", "s0").length > 0, "the shard is handled", 40_000);
    const children = world.topic.split("s0");
    for (const shard of children) world.topic.append(shard, 5);
    await world.clock.until(() => children.every((shard) => b.of("settled", shard).length > 0), "the children are handled", 60_000);
    world.topic.shards.get("s0")!.isListed = false;
    await world.clock.until(() => world.store.columnsOf("s0") === undefined, "the row of the parent is removed", 60_000);
    const landed: (string | null)[] = [];
    world.hooks.landed = ({ after }) => void landed.push(after?.partition ?? null);
    a.process.thaw();
    await world.run(started.then(() => undefined));
    await world.clock.advance(20_000);
    require(!landed.includes("s0"), `a member that was frozen at its wait ${at} has brought back the row of a shard that is gone`);
    await world.closeAll();
  }
}

/** A member that ends a parent looks for the rows of its children. When it has stood still meanwhile, others may have been through with them. */
async function distrustsWhatItHasReadOfChildren(engine: Engine): Promise<void> {
  for (let at = 1; at <= 4; at += 1) {
    const world = new World(engine, 1);
    world.topic.append("s0", 5);
    const a = world.member("a");
    a.isAutomatic = false;
    await world.run(a.start());
    await world.clock.advance(2_000);
    const [left, right] = world.topic.split("s0");
    for (const shard of [left!, right!]) world.topic.append(shard, 5);
    await world.clock.until(() => a.of("ended").length > 0, "the shard has ended", 5_000);
    a.process.freezeAt = a.process.waits + at;
    const answer = a.settle(a.assignments[0]!, "4", { ended: true });
    await world.clock.advance(10);
    require(a.process.isFrozen, `the member must be frozen at its wait ${at}`);
    const b = await world.joined("b");
    await world.clock.until(() => b.of("settled", left).length > 0, "the child is handled", 60_000);
    const grandchildren = world.topic.split(left!);
    for (const shard of grandchildren) world.topic.append(shard, 5);
    await world.clock.until(() => grandchildren.every((shard) => b.of("settled", shard).length > 0), "its children are handled", 60_000);
    world.topic.shards.get(left!)!.isListed = false;
    await world.clock.until(() => world.store.columnsOf(left!) === undefined, "the row of the child is removed", 60_000);
    a.process.thaw();
    await world.run(answer);
    await world.clock.advance(1_000);
    requireEqual(
      world.store.columnsOf(left!),
      undefined,
      `the row of a child that is gone, beside a member that was frozen at its wait ${at}`,
    );
    await world.closeAll();
  }
}

/** A group that begins when the service has dropped a parent, which nobody has handled, does not wait for it. */
async function startsBehindAGoneParent(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.topic.append("s0", 5);
  const [left, right] = world.topic.split("s0");
  for (const shard of [left!, right!]) world.topic.append(shard, 5);
  world.topic.shards.get("s0")!.isListed = false;
  const a = await world.joined("a");
  await world.clock.until(() => a.of("delivered", left).length > 0 && a.of("delivered", right).length > 0, "the children are read", 20_000);
  requireEqual(world.store.columnsOf("s0"), undefined, "the row of a shard that is not listed");
  await world.closeAll();
}

/** A parent whose row an operator has deleted is listed still: its children wait until it is made again, and handled. */
async function waitsForAParentWithoutItsRow(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.topic.append("s0", 30);
  const a = await world.joined("a");
  const b = await world.joined("b");
  a.isAutomatic = false;
  const [left, right] = world.topic.split("s0");
  for (const shard of [left!, right!]) world.topic.append(shard, 5);
  const hasRow = (shard: string): boolean => world.store.columnsOf(shard) !== undefined;
  await world.clock.until(() => hasRow(left!) && hasRow(right!), "the children have their rows", 60_000);
  a.process.freeze();
  world.store.erase("s0");
  await world.clock.until(() => b.of("assigned").length > 0, "something can be taken", 60_000);
  requireEqual([b.of("assigned", left), b.of("assigned", right)], [[], []], "the children that are taken before their parent");
  await world.clock.until(() => b.of("settled", left).length > 0 && b.of("settled", right).length > 0, "the children are handled", 60_000);
  const kinds = b.events.filter(({ kind, partition }) => kind === "assigned" || (kind === "ended" && partition === "s0"));
  requireEqual(
    kinds.slice(0, 2).map(({ kind, partition }) => [kind, partition]),
    [
      ["assigned", "s0"],
      ["ended", "s0"],
    ],
    "what comes first",
  );
  await world.closeAll();
}

/** 8: a row can be taken when each parent is ended, or is gone. */
export const parents: Invariant = {
  name: "8 parents: a child comes after all of them, and has its row before one of them is ended",
  mutants: [
    {
      name: "waits-for-one-parent",
      file: "parent-gate.ts",
      find: "return row.parents.every((parent) => {",
      replace: "return row.parents.length === 0 || row.parents.some((parent) => {",
    },
    {
      name: "takes-a-parent-without-a-row-for-gone",
      file: "parent-gate.ts",
      find: "return parentRow === undefined ? gone.has(parent) :",
      replace: "return parentRow === undefined ? gone.size >= 0 :",
    },
    {
      name: "waits-for-a-parent-that-is-gone",
      file: "parent-gate.ts",
      find: "return parentRow === undefined ? gone.has(parent) :",
      replace: "return parentRow === undefined ? gone.size < 0 :",
    },
    {
      name: "brings-back-children",
      file: "group-rows.ts",
      find: "if (isCurrent()) await this.#create(",
      replace: "if (!requests.aborted) await this.#create(",
    },
    {
      name: "takes-a-list-for-as-young-as-its-answer",
      file: "topic-view.ts",
      find: "this.#listedAt = askedAt;",
      replace: "this.#listedAt = momentOf(this.#parts.clock);",
    },
    {
      name: "ends-before-the-children-have-rows",
      file: "owned-leases.ts",
      find: "await this.#hooks.createChildren(this.#children.get(lease) ?? [], () => lease.isCurrent);",
      replace: "await this.#hooks.createChildren([], () => lease.isCurrent);",
    },
    {
      name: "removes-by-an-old-list",
      file: "group-rows.ts",
      find: "    if (outlived().length === 0) return;\n    await this.#topic.refresh(life);",
      replace: "    if (outlived().length === 0 || life.aborted) return;",
    },
    {
      name: "removes-listed-rows",
      file: "parent-gate.ts",
      find: "|| listed.has(row.partition)) return false;",
      replace: ") return false;",
    },
    {
      name: "removes-before-the-children-have-moved",
      file: "parent-gate.ts",
      find: "return children.every((child) => hasMoved(child));",
      replace: "return children.every((child) => hasMoved(child) || !listed.has(row.partition));",
    },
  ],
  async check(engine) {
    await afterAllParents(engine);
    await removesWhatIsOutlived(engine);
    await distrustsAnOldList(engine);
    await distrustsAListThatCameLate(engine);
    await distrustsWhatItHasReadOfChildren(engine);
    await startsBehindAGoneParent(engine);
    await waitsForAParentWithoutItsRow(engine);
  },
};
