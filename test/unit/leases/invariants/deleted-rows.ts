import type { Engine } from "../world/engine.ts";
import { SIGNAL, World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

async function owner(engine: Engine): Promise<{ world: World; a: World["members"][number] }> {
  const world = new World(engine, 1);
  world.topic.append("s0", 30);
  const a = await world.joined("a");
  await world.clock.advance(4_000);
  return { world, a };
}

/** A row alone: its owner knows how far the group has come, and the others leave it to the owner for a while. */
async function isWrittenAgain(engine: Engine): Promise<void> {
  const { world, a } = await owner(engine);
  const b = await world.joined("b");
  const before = await world.row("s0");
  world.store.erase("s0");
  const group = await world.store.readGroup();
  await world.store.writeGroup(group, { ...group!.row, attention: 1_000 });
  // The other member finds it out before the owner.
  a.process.freeze();
  await world.clock.advance(2_000);
  a.process.thaw();
  await world.clock.until(() => world.store.columnsOf("s0") !== undefined, "the row is there again", 5_000);
  await world.clock.advance(8_000);
  const { owner: writer, epoch, place } = await world.row("s0");
  requireEqual([writer, epoch, place], [before.owner, before.epoch, before.place], "the row that was written again");
  requireEqual(
    [a.of("delivered").length, a.of("lost").length, b.of("assigned").length],
    [3, 0, 0],
    "deliveries, losses, and assignments to others",
  );
  a.process.freeze();
  world.store.erase("s0");
  await world.clock.until(() => b.partitions.length === 1, "a row without its owner is made again", 40_000);
  require(BigInt(b.assignments[0]!.epoch!) > epoch, "the epoch after a deletion must not go back");
  a.process.thaw();
  await world.clock.advance(5_000);
  requireEqual(b.of("lost"), [], "what is lost by the thaw of the former owner");
  await world.closeAll();
}

/** Rows that a deleted group has left: they say nothing about another group of the same name. */
async function ofAFormerGroup(engine: Engine): Promise<void> {
  const { world, a } = await owner(engine);
  await world.run(a.close());
  world.store.erase(null);
  const b = await world.joined("b");
  await world.clock.advance(3_000);
  requireEqual(
    b.of("delivered").map(({ first }) => first),
    [0, 10, 20],
    "what a new group delivers beside rows of a former one",
  );
  await world.closeAll();
}

/** A first member with an old row in its memory is not needed: the row is made again from the group's row, from its start. */
async function withoutItsOwner(engine: Engine): Promise<void> {
  const { world, a } = await owner(engine);
  world.store.edit("s0", { leaseColour: "green" });
  await world.clock.advance(5_000);
  requireEqual(world.store.columnsOf("s0")!["leaseColour"], "green", "a foreign column after our writes");
  await world.run(a.close());
  world.store.erase("s0");
  const b = await world.joined("b", {}, { initialPosition: { kind: "latest" } });
  await world.clock.advance(3_000);
  requireEqual(
    b.of("delivered").map(({ first }) => first),
    [0, 10, 20],
    "what comes again when a row is deleted",
  );
  await world.closeAll();
}

/** The whole group: it was deleted, and its members must not bring it back. */
async function isDeletedWithItsGroup(engine: Engine, isFrozen: boolean): Promise<void> {
  const { world, a } = await owner(engine);
  if (isFrozen) a.process.freeze();
  world.store.erase("s0");
  world.store.erase(null);
  await world.clock.advance(isFrozen ? 30_000 : 1_000);
  a.process.thaw();
  await world.clock.advance(30_000);
  requireEqual([await world.store.readGroup(), await world.store.list()], [null, []], "what members have written of a deleted group");
  requireEqual(
    a.failures.map(({ code }) => code),
    ["not-found"],
    "how a member of a deleted group fails",
  );
  requireEqual(a.partitions, [], "what it owns");
  await world.closeAll();
}

/** Another group of the same name has taken its place. */
async function isAnotherGroup(engine: Engine): Promise<void> {
  const { world, a } = await owner(engine);
  a.process.freeze();
  world.store.erase("s0");
  world.store.erase(null);
  const b = await world.joined("b", {}, { initialPosition: { kind: "latest" } });
  world.topic.append("s0", 5);
  await world.clock.advance(5_000);
  requireEqual(
    b.of("delivered").map(({ first }) => first),
    [30],
    "what the new group delivers",
  );
  const { groupId } = await world.row("s0");
  a.process.thaw();
  await world.clock.advance(30_000);
  requireEqual((await world.row("s0")).groupId, groupId, "the group of the row");
  requireEqual(a.failures, [], "the failures of a member that joins the new group");
  await world.closeAll();
}

/** The topic was deleted and created again: the places of the group mean nothing there, until it is reset. */
async function isAnotherTopic(engine: Engine): Promise<void> {
  const { world, a } = await owner(engine);
  world.topic.incarnation = "2";
  world.topic.shards.get("s0")!.records = 4;
  await world.clock.advance(60_000);
  requireEqual(
    a.failures.map(({ code }) => code),
    ["position-mismatch"],
    "how a member fails whose topic was created again",
  );
  requireEqual(a.partitions, [], "what it owns");
  const codeOf = async (work: Promise<unknown>): Promise<string> =>
    world.run(
      work.then(
        () => "done",
        (error: { code: string }) => error.code,
      ),
    );
  const admin = world.admin();
  for (const initialPosition of ["fail", { kind: "latest" }] as const) {
    const member = world.member(`refused-${JSON.stringify(initialPosition)}`, {}, { initialPosition });
    requireEqual(await codeOf(member.start()), "position-mismatch", "the answer to a new member of the group");
    await world.run(member.close());
  }
  requireEqual(await codeOf(admin.describe(SIGNAL)), "position-mismatch", "the answer to who asks for the group");
  requireEqual(await codeOf(admin.progress(SIGNAL)), "position-mismatch", "the answer to who asks for its lag");
  requireEqual((await world.store.readGroup())!.row.identity.incarnation, "1", "the incarnation of the group that nobody has reset");
  requireEqual(await codeOf(admin.reset({ kind: "earliest" }, SIGNAL)), "done", "the answer to a reset");
  const next = await world.joined("next");
  await world.clock.advance(30_000);
  requireEqual(next.assignments.at(-1)!.identity.incarnation, "2", "the incarnation that is consumed");
  requireEqual(
    next.of("delivered").map(({ first, last }) => [first, last]),
    [[0, 3]],
    "what is delivered of the new topic",
  );
  await world.closeAll();
}

/** A group of a former topic can be deleted, and begins then. */
async function isDeletedWithItsTopic(engine: Engine): Promise<void> {
  const { world, a } = await owner(engine);
  await world.run(a.close());
  world.topic.incarnation = "2";
  world.topic.shards.get("s0")!.records = 4;
  await world.run(world.admin().remove(SIGNAL));
  requireEqual([await world.store.readGroup(), await world.store.list()], [null, []], "what is left of a group that was deleted");
  const next = await world.joined("next");
  await world.clock.advance(30_000);
  requireEqual(next.of("delivered").at(-1)?.last, 3, "the last record of the new topic that is delivered");
  await world.closeAll();
}

/** The shard was handled to its end by others, and its row removed, while its owner stood still on its way to write the row again. */
async function isOutlivedBesideAFrozenOwner(engine: Engine): Promise<void> {
  for (let at = 1; at <= 30; at += 1) {
    const { world, a } = await owner(engine);
    const b = await world.joined("b");
    a.isAutomatic = false;
    const [left, right] = world.topic.split("s0");
    for (const shard of [left!, right!]) world.topic.append(shard, 5);
    a.process.freezeAt = a.process.waits + at;
    a.process.onFreeze = () => {
      a.process.thaw();
      a.process.freeze(true);
    };
    world.store.erase("s0");
    const isHandled = (shard: string): boolean => b.of("settled", shard).length > 0;
    await world.clock.until(() => isHandled(left!) && isHandled(right!), "the children are handled", 200_000);
    world.topic.shards.get("s0")!.isListed = false;
    await world.clock.until(() => world.store.columnsOf("s0") === undefined, "the row of the parent is removed", 100_000);
    const { length } = a.of("delivered");
    a.process.thaw();
    await world.clock.advance(500);
    const what = `of an owner that was frozen at its wait ${at} since the row was deleted`;
    requireEqual(world.store.columnsOf("s0"), undefined, `the row ${what}`);
    requireEqual(a.of("delivered").slice(length), [], `the deliveries ${what}`);
    await world.closeAll();
  }
}

/** 13: what an operator deletes. */
export const deletedRows: Invariant = {
  name: "13 deleted rows: written again by their owner only in the same group, which is not brought back; foreign columns survive",
  mutants: [
    {
      name: "recreates-rows-of-a-deleted-group",
      file: "acquisition.ts",
      find: "lease !== null && (await this.#isGroupAsItWas(lease.row)) && lease.isInTime,",
      replace: "lease !== null && lease.isInTime,",
    },
    {
      name: "recreates-what-others-have-ended",
      file: "acquisition.ts",
      find: "lease !== null && (await this.#isGroupAsItWas(lease.row)) && lease.isInTime,",
      replace: "lease !== null && (await this.#isGroupAsItWas(lease.row)),",
    },
    {
      name: "asks-for-its-time-too-early",
      file: "acquisition.ts",
      find: "lease !== null && (await this.#isGroupAsItWas(lease.row)) && lease.isInTime,",
      replace: "lease !== null && lease.isInTime && (await this.#isGroupAsItWas(lease.row)),",
    },
    {
      name: "never-recreates",
      file: "acquisition.ts",
      find: "lease !== null && (await this.#isGroupAsItWas(lease.row)) && lease.isInTime,",
      replace: "lease === null && (await this.#isGroupAsItWas(row)),",
    },
    {
      name: "takes-rows-of-a-former-group",
      file: "lease-row.ts",
      find: "return groupId === null || groupId === id;",
      replace: "return groupId === null || groupId.length === id.length;",
    },
    {
      name: "brings-back-former-epochs",
      file: "lease-row.ts",
      find: "return epoch < time ? time : epoch + 1n;",
      replace: "return epoch < time ? epoch + 1n : time;",
    },
    {
      name: "makes-missing-rows-at-once",
      file: "group-rows.ts",
      find: "return since === undefined ||",
      replace: "return since !== null ||",
    },
    {
      name: "drops-foreign-columns",
      file: "memory-lease-store.ts",
      find: "{ ...Object.fromEntries(foreign), ...next }",
      replace: "{ ...Object.fromEntries(foreign.slice(0, 0)), ...next }",
    },
    {
      name: "overlooks-a-new-topic",
      file: "member.ts",
      find: "if (this.#topic.shape.identity.incarnation !== group.row.identity.incarnation) return this.#rejoin();",
      replace: "if (this.#topic.shape.identity.topic !== group.row.identity.topic) return this.#rejoin();",
    },
    {
      name: "begins-anew-in-a-new-topic",
      file: "group-start.ts",
      find: "if (found !== null && parts.replacesFormer !== true) requireSameIncarnation(found.row, identity);",
      replace: 'if (found !== null && identity.topic === "") requireSameIncarnation(found.row, identity);',
    },
    {
      name: "describes-a-group-of-a-former-topic",
      file: "lease-admin.ts",
      find: "if (group !== null) requireSameIncarnation(group.row, here);",
      replace: "if (group === null) requireSameIncarnation(group!.row, here);",
    },
    {
      name: "brings-back-a-deleted-group",
      file: "member.ts",
      find: "if (group === null) throw groupDeleted(this.#topic.shape.identity.topic);",
      replace: "if (group === null) {\n      void groupDeleted;\n      return this.#rejoin();\n    }",
    },
  ],
  async check(engine) {
    await isWrittenAgain(engine);
    await withoutItsOwner(engine);
    await ofAFormerGroup(engine);
    await isDeletedWithItsGroup(engine, false);
    await isDeletedWithItsGroup(engine, true);
    await isAnotherGroup(engine);
    await isAnotherTopic(engine);
    await isDeletedWithItsTopic(engine);
    await isOutlivedBesideAFrozenOwner(engine);
  },
};
