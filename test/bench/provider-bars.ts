import type { Topic } from "../../src/index.ts";
import type { EmulatorProcess } from "./emulator-process.ts";
import { firstReplayedOf } from "./first-replayed.ts";
import { heapOfSends } from "./in-flight-heap.ts";
import { inversionsOf } from "./key-inversions.ts";
import { type Bar, rounded } from "./result.ts";

/**
 * What is measured of every provider that has an emulator.
 * @param open a new, empty topic: `replay`, `heap` and `inversions` are asked for, once each
 */
export async function providerBars(
  emulator: EmulatorProcess,
  open: (name: string) => Topic<Uint8Array> | Promise<Topic<Uint8Array>>,
): Promise<readonly Bar[]> {
  const replayed = await firstReplayedOf(await open("replay"));
  const heapTopic = await open("heap");
  const heap = await heapOfSends(
    heapTopic.producer(),
    () => emulator.inject({ kind: "stall", operation: "publish", times: 1_000_000, durationMs: 2_000 }),
    () => emulator.clearFaults(),
  );
  const inversions = await inversionsOf(await open("inversions"), {}, () => emulator.inject({ kind: "restart" }));
  const once = { better: "lower", pairs: 1 } as const;
  return [
    { name: "first replayed message: ms", value: rounded(replayed), must: 300, aim: 20, ...once },
    { name: "heap of an in-flight send: kB", value: rounded(heap / 1_000), must: 0.5, aim: 0.3, ...once },
    { name: "key inversions, service restarted, same tick or not", value: inversions, must: 0, aim: 0, ...once },
  ];
}
