import type { StreamError } from "../../../../src/driver/index.ts";
import type { Engine } from "../world/engine.ts";
import { HOLD_MS, MARGIN_MS, World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

function answerOf(error: StreamError | null): readonly unknown[] {
  return [error?.code, error?.retryable];
}

function isCurrent(assignment: object): boolean {
  return (assignment as { isCurrent(): boolean }).isCurrent();
}

/** The time is that of the sending of the last write, however late its answer came. */
async function countsFromTheSending(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  let isCut = false;
  let sentMs = 0;
  const a = await world.joined("a", {
    fault: () => (isCut ? { kind: "refused" } : { kind: "slow", beforeMs: 0, afterMs: 800 }),
    landed: ({ after }) => {
      if (after?.owner !== null) sentMs = world.clock.nowMs();
      isCut = isCut || (after?.owner !== null && world.clock.nowMs() > 15_000);
    },
  });
  const assignment = a.assignments[0]!;
  await world.clock.until(() => isCut, "a renewal lands");
  await world.clock.advance(sentMs + HOLD_MS - MARGIN_MS - 1 - world.clock.nowMs());
  require(isCurrent(assignment), "the lease must be current until its time is over");
  await world.clock.advance(1);
  require(!isCurrent(assignment), "the lease must not be current when its time is over");
  await world.clock.advance(1_000);
  requireEqual(a.of("lost").length, 1, "the number of losses when the store cannot be reached");
}

/** A machine that was suspended, whose monotonic clock has stood still. */
async function seesThatItWasSuspended(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  const a = await world.joined("a");
  const b = await world.joined("b");
  a.process.freeze(true);
  await world.clock.until(() => b.partitions.length === 1, "the other member takes over", 30_000);
  world.topic.append("s0", 5);
  await world.clock.advance(2_000);
  a.process.thaw();
  require(!isCurrent(a.assignments[0]!), "after a suspension the lease must not be current");
  const calls: string[] = [];
  world.hooks.called = (call) => void calls.push(call);
  requireEqual(answerOf(await a.settle(a.assignments[0]!, "4")), ["unavailable", true], "the answer to a late settlement");
  requireEqual(
    calls.filter((call) => call === "swap"),
    [],
    "what is written by a late settlement",
  );
  requireEqual(a.of("lost").length, 1, "the number of losses after the thaw");
  requireEqual(answerOf(await a.settle(a.assignments[0]!, "4")), ["ownership-lost", false], "the answer when the loss is reported");
  await world.run(b.close());
  await world.clock.until(() => a.partitions.length === 1, "it gets the row back", 30_000);
  requireEqual(a.assignments.at(-1)!.resumes, null, "what is resumed after another owner");
  await world.closeAll();
}

/** Nobody has taken the row of a member that stood still: it gets it back, with what it had handled. */
async function resumesWhatNobodyTook(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.topic.append("s0", 10);
  const a = world.member("a");
  a.isAutomatic = false;
  await world.run(a.start());
  const [first] = a.assignments;
  requireEqual(await world.run(a.settle(first!, "3", { ahead: { upTo: "7", except: ["4"] } })), null, "the answer to a settlement in time");
  const before = await world.row("s0");
  a.process.freeze(true);
  await world.clock.advance(3 * HOLD_MS);
  a.process.thaw();
  const answer = a.settle(first!, "8");
  requireEqual(a.of("lost").length, 1, "the losses that are reported by a settlement that comes too late");
  requireEqual(answerOf(await answer), ["unavailable", true], "the answer to it");
  requireEqual(await world.row("s0"), before, "the row when time has run out");
  await world.clock.until(() => a.partitions.length === 1, "it gets the row back", 30_000);
  const { resumes, start, ahead } = a.assignments.at(-1)!;
  require(resumes === first, "the ownership must resume the former one");
  requireEqual([start, ahead], [before.place, { upTo: "7", except: ["4"] }], "what the group had stored");
  requireEqual(await world.run(a.settle(a.assignments.at(-1)!, "8")), null, "the answer to the settlement of the ownership that resumes");
  requireEqual((await world.row("s0")).place, { kind: "after", position: "8" }, "the place that is stored then");
  const [, second] = a.assignments;
  a.process.freeze(true);
  await world.clock.advance(3 * HOLD_MS);
  a.process.thaw();
  await world.clock.until(() => a.assignments.length === 3, "it gets the row back once more", 30_000);
  require(a.assignments[2]!.resumes === second, "the ownership must resume the former one");
  requireEqual(second!.resumes, null, "what an ownership that is over still keeps");
  await world.closeAll();
}

/** A wall clock that is set back does not make a lease longer. */
async function distrustsAClockThatIsSetBack(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  let isCut = false;
  const a = await world.joined("a", { fault: () => (isCut ? { kind: "refused" } : null) });
  isCut = true;
  a.process.wallMs = () => world.clock.wallMs() - 3_600_000;
  await world.clock.advance(HOLD_MS - MARGIN_MS);
  require(!isCurrent(a.assignments[0]!), "a lease that was not renewed must not be current, whatever the wall clock says");
}

/** Frozen at each of its waits, also while an answer of the service is on its way. */
async function deliversNothingLate(engine: Engine): Promise<void> {
  for (let at = 1; at <= 24; at += 1) {
    const world = new World(engine, 1);
    world.topic.append("s0", 500);
    const a = world.member("a");
    const b = world.member("b");
    a.process.freezeAt = at;
    const started = a.start().catch(() => undefined);
    await world.clock.advance(100);
    require(a.process.isFrozen, `the member must be frozen at its wait ${at}`);
    await world.run(b.start());
    await world.clock.until(() => b.of("delivered").length > 1, "the other member takes over", 30_000);
    const before = a.of("delivered").length;
    a.process.thaw();
    await world.run(started.then(() => undefined));
    const thawedMs = world.clock.nowMs();
    await world.clock.advance(500);
    const late = a.of("delivered").slice(before);
    requireEqual(late, [], `what is delivered at ${thawedMs} ms by a member that was frozen at its wait ${at}`);
    await world.closeAll();
  }
}

/** 4: validity is counted from the sending, by the clock that has advanced more, and is asked before anything starts. */
export const validity: Invariant = {
  name: "4 validity: from the sending of the last confirmed write, by either clock, asked before each delivery and settlement",
  mutants: [
    {
      name: "counts-from-the-answer",
      file: "row-writer.ts",
      find: "else this.#confirm({ row: write.row, version }, write.sentAt);",
      replace: "else this.#confirm({ row: write.row, version }, momentOf(this.#parts.clock));",
    },
    {
      name: "trusts-the-monotonic-clock",
      file: "clock.ts",
      find: "return Math.max(clock.nowMs() - since.nowMs, clock.wallMs() - since.wallMs);",
      replace: "return clock.nowMs() - since.nowMs;",
    },
    {
      name: "trusts-the-wall-clock",
      file: "clock.ts",
      find: "return Math.max(clock.nowMs() - since.nowMs, clock.wallMs() - since.wallMs);",
      replace: "return clock.wallMs() - since.wallMs;",
    },
    {
      name: "says-that-it-is-current",
      file: "lease.ts",
      find: "isCurrent: () => this.isCurrent,",
      replace: "isCurrent: () => !this.isOver,",
    },
    {
      name: "settles-without-asking",
      file: "owned-leases.ts",
      find: "if (lease.isCurrent) return null;",
      replace: "if (!lease.isOver) return null;",
    },
    { name: "keeps-all-its-ownerships", file: "lease.ts", find: "this.assignment.resumes = null;", replace: "" },
    {
      name: "says-lost-without-knowing",
      file: "owned-leases.ts",
      find: "return ownershipUncertain(lease.assignment);",
      replace: "void ownershipUncertain;\n    return ownershipLost(lease.assignment);",
    },
    {
      name: "keeps-what-has-run-out",
      file: "owned-leases.ts",
      find: "    this.lose(lease);\n    return ownershipUncertain",
      replace: "    return ownershipUncertain",
    },
    {
      name: "never-resumes",
      file: "acquisition.ts",
      find: "const resumed = former?.isAsLeft(row) === true ? former : null;",
      replace: "const resumed = former?.isAsLeft(row) === true ? null : null;",
    },
    {
      name: "resumes-over-another-owner",
      file: "acquisition.ts",
      find: "const resumed = former?.isAsLeft(row) === true ? former : null;",
      replace: "const resumed = former ?? null;",
    },
    {
      name: "delivers-without-asking",
      file: "partition-delivery.ts",
      find: "if (lease.isCurrent) return true;",
      replace: "if (!lease.isOver) return true;",
    },
  ],
  async check(engine) {
    await countsFromTheSending(engine);
    await seesThatItWasSuspended(engine);
    await distrustsAClockThatIsSetBack(engine);
    await resumesWhatNobodyTook(engine);
    await deliversNothingLate(engine);
  },
};
