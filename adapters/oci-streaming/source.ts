import {
  type CursorRequest,
  type PartitionCursor,
  type PartitionSource,
  type TopicShape,
  inParallel,
  startPlaces,
} from "../../src/adapter-kit/index.ts";
import type { PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import { OCI_ERRORS, ociError } from "./errors.ts";
import { CursorReads } from "./read/cursor-reads.ts";
import { OciPartitionCursor } from "./read/partition-cursor.ts";
import { comparePositions } from "./records.ts";
import type { OciService } from "./service.ts";
import type { StreamSummary } from "./streams/stream-summary.ts";

/** The end of a partition is found by what was stored in the last moments, because a cursor at the end names no position. */
const LOOK_BACK_MS = 5_000;
const LOOK_BACK_MESSAGES = 10_000;
const MOST_PORTION_BYTES = 1_048_576;
const PARTITIONS_AT_ONCE = 32;

/** The partitions of one stream. */
export class OciSource implements PartitionSource {
  readonly #service: OciService;
  readonly #topic: string;
  readonly #portionBytes: number;

  /** @param bufferedBytes about how much its reader takes at once */
  constructor(service: OciService, topic: string, bufferedBytes = MOST_PORTION_BYTES) {
    this.#service = service;
    this.#topic = topic;
    this.#portionBytes = Math.min(bufferedBytes, MOST_PORTION_BYTES);
  }

  async describe(signal: AbortSignal): Promise<TopicShape> {
    const { identity, partitions } = await this.#service.directory.usable(this.#topic, signal);
    return { identity, partitions: partitions.map((partition) => ({ partition, parents: [] })) };
  }

  async resolve(start: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { calls, directory } = this.#service;
    const stream = await directory.usable(this.#topic, signal);
    const isTooOld = start.kind === "timestamp" && start.timestampMs <= calls.serviceNowMs - (await directory.retentionMs(stream, signal));
    const partitions = stream.partitions.map((partition) => ({ partition, parents: [] }));
    const asked = startPlaces({ topic: this.#topic, partitions }, start, OCI_ERRORS);
    const entries = await inParallel(
      [...asked],
      async ([partition, place]) => {
        if (place.kind === "mark") throw ociError("invalid-argument", "OCI Streaming keeps no marks", { topic: this.#topic });
        if (place.kind === "at" || place.kind === "after") comparePositions(place.position, place.position);
        // Later a stored time that is older than retention means that something may be missing; now the beginning is meant.
        if (isTooOld) return [partition, { kind: "earliest" }] as const;
        const isEnd = place.kind === "latest" || (place.kind === "timestamp" && place.timestampMs > calls.serviceNowMs);
        return [partition, isEnd ? await this.#endOf(stream, partition, signal) : place] as const;
      },
      PARTITIONS_AT_ONCE,
    );
    return new Map(entries);
  }

  /** Behind the last message; where nothing was stored in the last moments, the time that they began at. Both are exact. */
  async #endOf(stream: StreamSummary, partition: string, signal: AbortSignal): Promise<PartitionPlace> {
    const reads = new CursorReads(this.#service, stream, partition);
    const sinceMs = Math.floor(this.#service.calls.serviceNowMs - LOOK_BACK_MS);
    let cursor = await reads.cursor({ type: "AT_TIME", timeMs: sinceMs }, signal);
    let last: string | null = null;
    for (;;) {
      const { messages, cursor: next } = await reads.page(cursor, LOOK_BACK_MESSAGES, signal);
      if (messages.length === 0) break;
      last = messages.offsetOf(messages.length - 1);
      cursor = next;
    }
    return last === null ? { kind: "timestamp", timestampMs: sinceMs } : { kind: "after", position: last };
  }

  open({ partition, place, emptyUntilMs }: CursorRequest): PartitionCursor {
    const portionBytes = this.#portionBytes;
    return new OciPartitionCursor(this.#service, { topic: this.#topic, partition, place, emptyUntilMs, portionBytes });
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }
}
