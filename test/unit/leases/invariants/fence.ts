import { World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

/** 1: a foreign touch of what we interpret is a theft; the wish of another member is none. */
export const fence: Invariant = {
  name: "1 fence: a foreign write ends the ownership before anything else, and a wish does not; where it has only freed the row it is resumed",
  mutants: [
    {
      name: "adopts-foreign-writes",
      file: "row-writer.ts",
      find: "if (!this.isOurs(found.row)) {",
      replace: "if (!this.isOurs(found.row) && this.#isLost) {",
    },
    {
      name: "takes-a-theft-for-an-outage",
      file: "owned-leases.ts",
      find: 'if ((await lease.settle(settlement)) === "lost") {',
      replace: 'if ((await lease.settle(settlement)) === "lost") {\n        return ownershipUncertain(assignment);',
    },
    {
      name: "takes-a-wish-for-a-theft",
      file: "row-writer.ts",
      find: "  (row) => row.moved,",
      replace: "  (row) => row.moved,\n  (row) => row.wantedBy,",
    },
    { name: "resumes-after-other-owners", file: "row-writer.ts", find: "  (row) => row.epoch,\n", replace: "" },
    {
      name: "takes-what-it-has-not-lost",
      file: "member.ts",
      find: "if (this.#owned.holds(partition)) return",
      replace: "if (this.#owned.holds(partition) && owner !== null) return",
    },
    {
      name: "forgets-what-was-freed-by-others",
      file: "lease.ts",
      find: "owner: found.owner ?? this.row.owner",
      replace: "owner: found.owner",
    },
  ],
  async check(engine) {
    const world = new World(engine, 1);
    world.topic.append("s0", 10);
    const a = await world.joined("a");
    await world.clock.advance(3_000);
    const before = await world.row("s0");
    world.store.edit("s0", { wantedBy: "somebody-1" });
    await world.clock.advance(5_000);
    requireEqual([a.of("lost").length, a.of("revoking").length], [0, 1], "the number of losses and of hand-overs by a wish");
    requireEqual((await world.row("s0")).wantedBy, "somebody-1", "the member that a freed row is kept for");
    await world.clock.until(() => a.partitions.length === 1, "a wish of a dead member expires", 30_000);
    world.store.edit("s0", { place: "after 3" });
    await world.clock.until(() => a.of("lost").length === 1, "the foreign write is noticed", 5_000);
    await world.clock.until(() => a.partitions.length === 1, "it competes anew", 5_000);
    const assignment = a.assignments.at(-1)!;
    requireEqual(assignment.start, { kind: "after", position: "3" }, "the start after the foreign write");
    require(BigInt(assignment.epoch!) > before.epoch, "the epoch after a theft must be higher");
    const order = a.events.map(({ kind }) => kind).filter((kind) => kind === "lost" || kind === "assigned");
    requireEqual(order, ["assigned", "assigned", "lost", "assigned"], "the order of events");
    requireEqual(assignment.resumes, null, "what is resumed after a foreign write");
    // An operator frees the row, and nobody takes it. The member looks at all rows before it writes this one.
    await world.clock.advance(500);
    world.store.edit("s0", { owner: undefined });
    const group = (await world.store.readGroup())!;
    await world.store.writeGroup(group, { ...group.row, attention: group.row.attention + 1 });
    await world.clock.until(() => a.of("lost").length === 2, "that the row is free is noticed", 5_000);
    await world.clock.until(() => a.partitions.length === 1, "it takes the row again", 5_000);
    require(a.assignments.at(-1)!.resumes === assignment, "what nobody else has owned must be resumed");
    // Another client has taken the row, and has left it.
    world.store.edit("s0", { owner: undefined, epoch: String((await world.row("s0")).epoch + 1n) });
    await world.clock.until(() => a.of("lost").length === 3, "the epoch of another owner is noticed", 5_000);
    await world.clock.until(() => a.partitions.length === 1, "it takes the row again", 5_000);
    requireEqual(a.assignments.at(-1)!.resumes, null, "what is resumed after another owner");
    a.isAutomatic = false;
    for (const taken of [{ owner: "thief" }, { place: "after 5" }, { epoch: "1" }, { moved: "7" }]) {
      await world.clock.until(() => a.partitions.length === 1, "it competes anew", 60_000);
      world.store.edit("s0", { owner: undefined, moved: "0", ...taken });
      const answer = await world.run(a.settle(a.assignments.at(-1)!, "8"));
      requireEqual([answer?.code, answer?.retryable], ["ownership-lost", false], `the answer where the row says ${JSON.stringify(taken)}`);
      world.store.edit("s0", { moved: "0", owner: undefined });
    }
    await world.closeAll();
  },
};
