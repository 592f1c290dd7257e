import { performance } from "node:perf_hooks";
import { pause } from "../../../src/adapter-kit/index.ts";

/** `GetMessages` of a partition, for each group, and cursors without a group count as one: https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm */
const READS_A_SECOND = 5;
const SPACING_MS = 1_000 / READS_A_SECOND;
/** At once, after a pause: one less than the service allows, because requests take different times on their way. */
const BURST = READS_A_SECOND - 1;
/** What a partition gives in a second: https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm */
const BYTES_A_SECOND = 2_097_152;
/** What one answer holds. */
const MOST_PAGE_BYTES = 1_048_576;
/** Partitions that are not read any more are forgotten. */
const FORGOTTEN_MS = 60_000;

interface Spent {
  /** When the budget is whole again. */
  wholeAtMs: number;
}

/** Of all connections of this process to the service itself. The OCID of a stream is its own everywhere. */
const SPENT_IN_PROCESS = new Map<string, Spent>();

/**
 * Keeps the readers and groups of this process within the reads of each partition: those of all its connections together. Where the service is one
 * that allows more, each connection counts for itself. What was not used for a second can be used at once, but for one.
 */
export class ReadBudget {
  /** Between two reads of a partition, where there are many. */
  readonly #spacingMs: number;
  /** About how many bytes one read should bring: as many as the partition gives until the next one; where the service allows more reads, as an answer holds. */
  readonly pageBytes: number;
  /** May a read bring as much as an answer holds? */
  readonly isWide: boolean;
  readonly #spent: Map<string, Spent>;
  #sweptMs = performance.now();

  /** @param pollMs where it is shorter, the service is one that allows more */
  constructor(pollMs: number) {
    this.#spacingMs = Math.min(SPACING_MS, pollMs);
    this.isWide = pollMs < SPACING_MS;
    this.#spent = this.isWide ? new Map<string, Spent>() : SPENT_IN_PROCESS;
    this.pageBytes = this.isWide ? MOST_PAGE_BYTES : (BYTES_A_SECOND * SPACING_MS) / 1_000;
  }

  /** Waits until the partition may be read again. Rejects with the signal's reason. */
  async take(streamId: string, partition: string, signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    this.#sweep(nowMs);
    const name = `${streamId}/${partition}`;
    const spent = this.#spent.get(name) ?? { wholeAtMs: nowMs };
    this.#spent.set(name, spent);
    spent.wholeAtMs = Math.max(spent.wholeAtMs, nowMs) + this.#spacingMs;
    const waitMs = spent.wholeAtMs - nowMs - BURST * this.#spacingMs;
    if (waitMs > 0) await pause(waitMs, signal);
    signal.throwIfAborted();
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < FORGOTTEN_MS) return;
    this.#sweptMs = nowMs;
    for (const [name, { wholeAtMs }] of this.#spent) if (wholeAtMs < nowMs) this.#spent.delete(name);
  }
}
