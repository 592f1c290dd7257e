import { World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

/** 3: renewal, settlement and hand-over share a queue, and a settlement is a renewal. */
export const oneWriteAtATime: Invariant = {
  name: "3 one write at a time for each row and member; a settlement is a renewal",
  mutants: [
    {
      name: "writes-side-by-side",
      file: "row-writer.ts",
      find: "const result = this.#tail.then(() => this.#attempt(change))",
      replace: "const result = this.#attempt(change)",
    },
    {
      name: "renews-what-was-settled",
      file: "lease.ts",
      find: "elapsedMs(confirmedAt, clock) >= times.renewMs",
      replace: "elapsedMs(confirmedAt, clock) >= 0",
    },
  ],
  async check(engine) {
    const world = new World(engine, 1);
    let running = 0;
    let most = 0;
    let swaps = 0;
    const isSwap = (call: string): boolean => call === "swap";
    const a = await world.joined("a", {
      fault: (call) => (isSwap(call) ? { kind: "slow", beforeMs: 400, afterMs: 400 } : null),
      called: (call) => {
        if (!isSwap(call)) return;
        swaps += 1;
        running += 1;
        most = Math.max(most, running);
      },
      answered: (call) => {
        if (isSwap(call)) running -= 1;
      },
    });
    await world.clock.until(() => a.partitions.length === 1, "the row is acquired");
    swaps = 0;
    for (let second = 0; second < 30; second += 1) {
      world.topic.append("s0", 1);
      await world.clock.advance(1_000);
    }
    const settlements = a.of("settled").length;
    require(settlements > 10, `there were only ${settlements} settlements`);
    require(swaps <= settlements + 1, `there were ${swaps} writes beside ${settlements} settlements`);
    // Settlements that come while a renewal is under way.
    for (let round = 0; round < 20; round += 1) {
      world.topic.append("s0", 1);
      await world.clock.advance(3_700);
    }
    requireEqual(most, 1, "the most writes at a time");
    await world.closeAll();
  },
};
