import { encodePosition } from "../position/position.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ConsumerStatus } from "./consumer-types.ts";

/** Of all these partitions, the message that has held its partition back for the longest time. */
export function oldestUnhandled<T>(states: readonly AssignmentState<T>[]): ConsumerStatus["oldest"] {
  let found: AssignmentState<T> | null = null;
  let arrivedAtMs = Infinity;
  for (const state of states) {
    const oldest = state.progress.oldest;
    if (oldest === null || oldest.delivery.arrivedAtMs >= arrivedAtMs) continue;
    found = state;
    arrivedAtMs = oldest.delivery.arrivedAtMs;
  }
  const oldest = found?.progress.oldest;
  if (found === null || oldest === null || oldest === undefined) return null;
  const { provider, partition, identity } = found.source;
  const { position } = oldest.delivery.records[oldest.index]!;
  return {
    partition,
    position: encodePosition({ provider, ...identity, partition, position }),
    attempts: attemptsSoFar(found, oldest.delivery.ordinal + oldest.index),
    sinceMs: Date.now() - arrivedAtMs,
  };
}

/** Calls of the handler since the message was delivered. A call that still runs counts. */
function attemptsSoFar<T>(state: AssignmentState<T>, ordinal: number): number {
  for (const work of state.works) {
    const entry = work.entries.find(({ delivery, index }) => delivery.ordinal + index === ordinal);
    if (entry !== undefined) return entry.failures + (work.call === null ? 0 : 1);
  }
  return 0;
}
