import type { Engine } from "../world/engine.ts";
import type { StoreFault } from "../world/hostile-store.ts";
import { BrokenPromise } from "../world/virtual-clock.ts";
import { World } from "../world/world.ts";
import { type Invariant, requireEqual } from "./invariant.ts";

/** Every fault of a write, at the first, second and third write. */
const FAULTS: readonly StoreFault[] = [
  { kind: "lost-answer" },
  { kind: "refused" },
  { kind: "late", ms: 60 },
  { kind: "late", ms: 5_000 },
  { kind: "partial" },
];

async function settleThrough(engine: Engine, fault: StoreFault, nth: number): Promise<void> {
  const what = `${JSON.stringify(fault)} at write ${nth}`;
  const world = new World(engine, 1);
  world.topic.append("s0", 10);
  let swaps = 0;
  const a = await world.joined("a", { fault: (call) => (call === "swap" && (swaps += 1) === nth ? fault : null) });
  await world.clock.until(() => a.partitions.length === 1, `the row is acquired beside ${what}`, 5_000);
  await world.clock.advance(8_000);
  requireEqual(a.of("lost").length, 0, `the number of losses by ${what}`);
  requireEqual((await world.row("s0")).place, { kind: "after", position: "9" }, `the place after ${what}`);
  requireEqual((await world.row("s0")).owner, "a-1", `the owner after ${what}`);
  requireEqual(a.of("delivered").length, 1, `the number of deliveries beside ${what}`);
  await world.closeAll();
  requireEqual((await world.row("s0")).owner, null, `the owner after the release beside ${what}`);
}

/** While the store cannot be reached nothing is lost before the time of the lease is over, and nothing is stored by half. */
async function settleBesideAnOutage(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.topic.append("s0", 10);
  let isCut = false;
  const a = world.member("a", { fault: () => (isCut ? { kind: "refused" } : null) });
  a.isAutomatic = false;
  await world.run(a.start());
  const [assignment] = a.assignments;
  requireEqual(await world.run(a.settle(assignment!, "1")), null, "the answer before the outage");
  isCut = true;
  const answer = await world.run(a.settle(assignment!, "6", { ahead: { upTo: "9", except: ["8"] } }));
  requireEqual([answer?.code, answer?.retryable], ["unavailable", true], "the answer of a store that cannot be reached");
  requireEqual(a.of("lost"), [], "what is lost by an outage that is shorter than the session");
  isCut = false;
  requireEqual(await world.run(a.settle(assignment!, "6", { ahead: { upTo: "9", except: ["8"] } })), null, "the answer after the outage");
  const { place, ahead } = await world.row("s0");
  requireEqual(
    [place, ahead],
    [
      { kind: "after", position: "6" },
      { of: "after 6", upTo: "9", except: ["8"] },
    ],
    "what is stored after the outage",
  );
  requireEqual([a.of("lost").length, a.assignments.length], [0, 1], "losses and assignments");
  await world.closeAll();
}

/** After an outage that was longer, the row is acquired again; whatever fails then, the member knows that nobody else has written it. */
async function resumeThrough(engine: Engine, fault: StoreFault, failures: number): Promise<void> {
  const what = `${JSON.stringify(fault)} and ${failures} failures after an outage`;
  const world = new World(engine, 1);
  world.topic.append("s0", 10);
  let isCut = false;
  let left = -1;
  const a = world.member("a", {
    fault: (call) => {
      if (isCut) return { kind: "refused" };
      if (left < 0 || (left === failures && call !== "swap")) return null;
      left -= 1;
      return left === failures - 1 ? fault : { kind: "refused" };
    },
  });
  a.isAutomatic = false;
  await world.run(a.start());
  const [first] = a.assignments;
  isCut = true;
  await world.clock.until(() => a.of("lost").length === 1, "the lease is lost by an outage", 60_000);
  await world.clock.advance(20_000);
  [isCut, left] = [false, failures];
  await world.clock.until(() => a.partitions.length === 1, `the row is acquired beside ${what}`, 60_000);
  requireEqual(left, -1, `the failures that were left beside ${what}`);
  if (a.assignments.at(-1)!.resumes !== first) throw new BrokenPromise(`nothing is resumed beside ${what}`);
  await world.clock.advance(10_000);
  requireEqual([a.of("lost").length, a.assignments.length], [1, 2], `losses and assignments beside ${what}`);
  await world.closeAll();
}

/** 2: an unknown outcome is never "lost", and is found out before anything relies on it. */
export const unknownOutcome: Invariant = {
  name: "2 unknown outcomes: what our own write has made is ours, also in part and late",
  mutants: [
    {
      name: "forgets-its-unresolved-writes",
      file: "row-writer.ts",
      find: "const known = [this.#held.row, ...this.#unresolved.map(({ row }) => row)];",
      replace: "const known = [this.#held.row];",
    },
    {
      name: "expects-whole-writes",
      file: "row-writer.ts",
      find: "return OWN_COLUMNS.every((column) => known.some((row) => column(row) === column(found)));",
      replace: "return known.some((row) => isSame(row, found));",
    },
    {
      name: "takes-a-part-for-the-whole",
      file: "row-writer.ts",
      find: "landed !== null && isSame(landed.row, found.row) ? landed : null",
      replace: "landed !== null && isSame(found.row, found.row) ? landed : null",
    },
    {
      name: "takes-unknown-for-lost",
      file: "row-writer.ts",
      find: "if (attempt >= MOST_ATTEMPTS) throw error;",
      replace: 'this.#isLost = true;\n        return "lost";',
    },
    {
      name: "takes-unknown-for-written",
      file: "row-writer.ts",
      find: "if (attempt >= MOST_ATTEMPTS) throw error;",
      replace: 'if (attempt >= 1) return "written";',
    },
    {
      name: "loses-what-it-cannot-reach",
      file: "owned-leases.ts",
      find: "return this.#parts.classify(error);",
      replace: "this.lose(lease);\n      return this.#parts.classify(error);",
    },
    {
      name: "forgets-its-attempts-to-acquire",
      file: "acquisition.ts",
      find: "resumed?.follow({ isAsLeft: (found) => writer.isOurs(found) });",
      replace: "",
    },
    {
      name: "resumes-once-only",
      file: "former-lease.ts",
      find: "this.#writers = [...this.#writers.slice(1 - MOST_ATTEMPTS), writer];",
      replace: "this.#writers = [];",
    },
  ],
  async check(engine) {
    for (const fault of FAULTS) for (const nth of [1, 2, 3]) await settleThrough(engine, fault, nth);
    await settleBesideAnOutage(engine);
    for (const fault of FAULTS) for (let failures = 0; failures <= 6; failures += 1) await resumeThrough(engine, fault, failures);
  },
};
