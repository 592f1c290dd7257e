import type { Engine } from "../world/engine.ts";
import type { StoreFault } from "../world/hostile-store.ts";
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
  ],
  async check(engine) {
    for (const fault of FAULTS) for (const nth of [1, 2, 3]) await settleThrough(engine, fault, nth);
  },
};
