import type { Engine } from "../world/engine.ts";
import { HOLD_MS, MARGIN_MS, World } from "../world/world.ts";
import { type Invariant, require } from "./invariant.ts";

/** How long a dead owner's row stays its own after its last sign of life. */
async function takeOverMs(engine: Engine, ownerHoldMs: number, listMs: number, phaseMs: number): Promise<number> {
  const world = new World(engine, 1);
  let lastBeatMs = 0;
  const a = await world.joined("a", { landed: () => void (lastBeatMs = world.clock.nowMs()) }, { sessionTimeoutMs: ownerHoldMs });
  await world.clock.advance(phaseMs);
  // A list shows the rows as they are when its answer is made, which may be younger than the call. Later ones are fast.
  const b = await world.joined("b", {
    fault: (call) => (call === "list" && !a.process.isFrozen ? { kind: "slow", beforeMs: listMs, afterMs: 0 } : null),
  });
  // A clock that is set decides nothing.
  b.process.wallMs = () => world.clock.wallMs() + 3_600_000;
  // It lists as often as possible: each list could be the one too early.
  const raise = setAttention(world);
  for (let passed = 0; passed < 7_000; passed += 50) {
    raise();
    await world.clock.advance(50);
  }
  a.process.freeze();
  await world.clock.until(() => (raise(), b.partitions.length === 1), "the other member takes over", 200_000);
  return b.of("assigned")[0]!.atMs - lastBeatMs;
}

function setAttention(world: World): () => void {
  let attention = 1_000;
  return () => {
    attention += 1;
    void world.store.readGroup().then((held) => world.store.writeGroup(held, { ...held!.row, attention }));
  };
}

/** 5: the observer's own monotonic clock, the owner's session, and a margin. */
export const expiry: Invariant = {
  name: "5 expiry: no sign of life from the end of a list to the start of a later one, for the owner's session and a margin",
  mutants: [
    {
      name: "overlooks-signs-of-life",
      file: "expiry.ts",
      find: "JSON.stringify([row.groupId, holder, String(row.epoch), String(row.beat)])",
      replace: "JSON.stringify([row.groupId, holder, String(row.epoch)])",
    },
    { name: "uses-its-own-session", file: "expiry.ts", find: "row.holdMs ?? this.#times.holdMs", replace: "this.#times.holdMs" },
    {
      name: "forgets-the-margin",
      file: "expiry.ts",
      find: "former.holdMs + this.#times.marginMs",
      replace: "former.holdMs - this.#times.marginMs",
    },
    { name: "counts-from-the-start-of-a-list", file: "expiry.ts", find: "sinceMs: listEndedMs });", replace: "sinceMs: listStartedMs });" },
    {
      name: "never-lets-expire",
      file: "expiry.ts",
      find: "this.#expired.add(row.partition);",
      replace: "this.#expired.delete(row.partition);",
    },
  ],
  async check(engine) {
    for (const [ownerHoldMs, listMs] of [
      [HOLD_MS, 0],
      [HOLD_MS, 2_400],
      [40_000, 0],
    ] as const) {
      for (let phaseMs = 0; phaseMs < 3_500; phaseMs += 250) {
        const tookMs = await takeOverMs(engine, ownerHoldMs, listMs, phaseMs);
        const leastMs = ownerHoldMs + MARGIN_MS;
        require(tookMs >= leastMs, `a row with a session of ${ownerHoldMs} ms was taken after ${tookMs} ms (lists of ${listMs} ms)`);
        require(tookMs <= leastMs + 8_000, `a row with a session of ${ownerHoldMs} ms was only taken after ${tookMs} ms`);
      }
    }
  },
};
