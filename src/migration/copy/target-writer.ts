import { performance } from "node:perf_hooks";
import { crc32 } from "node:zlib";
import type { OutgoingRecord, StoredRecord } from "../../driver/record.ts";
import { StreamError } from "../../errors.ts";
import { encodeBookmark } from "../../position/bookmark.ts";
import type { PartitionPlace } from "../../position/place.ts";
import { type TopicIdentity, requireSameTopic } from "../../position/position.ts";
import { withProvenance } from "../../provenance.ts";
import { openRecordSender } from "../../publish/open-record-sender.ts";
import type { RecordBatchSender } from "../../record-sender.ts";
import { retriedCall } from "../../retried-call.ts";
import type { Bookmark } from "../../tokens.ts";
import { callOn } from "../../topic-call.ts";
import { resolveEnds } from "../resolve-range.ts";
import type { OpenSide } from "../side.ts";

/** How often the end of the target is asked for where receipts have positions: other programs may write where this copy writes nothing. */
const LOOK_EVERY_MS = 60_000;
/** How much the clocks of the machine and of the target may differ, where a bookmark has to be a time. */
const CLOCK_MARGIN_MS = 300_000;

/** Writes to the target, for all partitions of a copier together, and knows how far the target has been seen. */
export class TargetWriter {
  readonly #target: OpenSide;
  readonly #sender: RecordBatchSender;
  /** A place that the end of each partition has passed. Partitions that are not listed have not been seen. */
  readonly #seen = new Map<string, PartitionPlace>();
  readonly #keyless = new Map<string, string | undefined>();
  readonly #lookEveryMs: number;
  #lookedAtMs = performance.now();
  #partitions: readonly string[] = [];

  constructor(target: OpenSide, { lookEveryMs = LOOK_EVERY_MS }: { lookEveryMs?: number } = {}) {
    this.#target = target;
    this.#lookEveryMs = lookEveryMs;
    this.#sender = openRecordSender(target.context, undefined);
  }

  /** To be called first. @throws `unsupported` where the target carries no headers · `not-found` */
  async prepare(signal: AbortSignal): Promise<void> {
    const { context } = this.#target;
    await this.#sender.prepare(signal);
    if (this.#sender.limits.headerCount === 0) {
      const text =
        "the target carries no headers, so nothing could tell later which messages were copied; use a topic with headers or with an envelope";
      throw new StreamError("unsupported", text, {
        provider: context.provider,
        topic: context.topic,
        capability: "nativeHeaders",
        operation: "copy",
      });
    }
    const description = await retriedCall(callOn(context, "copy", signal), (attempt) =>
      context.driver.admin.describeTopic(context.nativeTopic, attempt),
    );
    this.#partitions = description.partitions;
  }

  /** The message as it is written. @param provenance the value of its header */
  outgoing(record: StoredRecord, sourcePartition: string, provenance: Uint8Array): OutgoingRecord {
    const { key, value, headers, timestampMs } = record;
    return {
      key,
      value,
      headers: withProvenance(headers, provenance),
      timestampMs: this.#sender.capabilities.producerTimestamps ? timestampMs : null,
      toPartition: key === null ? this.#keylessPartition(sourcePartition) : undefined,
    };
  }

  /** Why the target cannot take it; `null`: it can. */
  refusal(record: OutgoingRecord): StreamError | null {
    return this.#sender.refusal(record);
  }

  /** Resolves once all are stored. @throws `position-mismatch` where the target was created anew · as `RecordBatchSender.sendRecords` */
  async write(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    this.#requireSameTarget(this.#sender.identity);
    const receipts = await this.#sender.sendRecords(records, signal);
    this.#requireSameTarget(this.#sender.identity);
    for (const [partition, position] of receipts.lastPositions()) this.#saw(partition, { kind: "after", position });
  }

  /** The target was read up to here. */
  saw(places: ReadonlyMap<string, PartitionPlace>): void {
    for (const [partition, place] of places) this.#saw(partition, place);
  }

  /**
   * A bookmark that lies before everything that is written from now on. To be called for a partition of the source of which no write is under way.
   */
  async bookmark(signal: AbortSignal): Promise<Bookmark> {
    const { context, identity } = this.#target;
    if (!context.capabilities.startAtPosition) {
      const place: PartitionPlace = { kind: "timestamp", timestampMs: Date.now() - CLOCK_MARGIN_MS };
      return encodeBookmark(context.provider, identity, new Map(this.#partitions.map((partition) => [partition, place])));
    }
    const { receiptPositions } = context.capabilities;
    if (!receiptPositions || performance.now() - this.#lookedAtMs >= this.#lookEveryMs) await this.#lookForTheEnd(signal);
    return encodeBookmark(context.provider, identity, this.#seen);
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  /** Where messages without a key go; `undefined`: nobody can choose. */
  #keylessPartition(sourcePartition: string): string | undefined {
    if (!this.#keyless.has(sourcePartition)) this.#keyless.set(sourcePartition, this.#choose(sourcePartition));
    return this.#keyless.get(sourcePartition);
  }

  #choose(sourcePartition: string): string | undefined {
    const partitions = this.#partitions;
    if (!this.#sender.capabilities.explicitPartition || partitions.length === 0) return undefined;
    return partitions.includes(sourcePartition) ? sourcePartition : partitions[crc32(sourcePartition) % partitions.length];
  }

  async #lookForTheEnd(signal: AbortSignal): Promise<void> {
    this.#lookedAtMs = performance.now();
    const range = await resolveEnds(this.#target, "copy", signal);
    this.#requireSameTarget(range.identity);
    for (const { partition, start } of range.partitions) this.#saw(partition, start);
  }

  #saw(partition: string, place: PartitionPlace): void {
    const before = this.#seen.get(partition);
    const isKnownToBeEarlier =
      before !== undefined && "position" in before && "position" in place && this.#target.compare(place.position, before.position) < 0;
    if (!isKnownToBeEarlier) this.#seen.set(partition, place);
  }

  #requireSameTarget(identity: TopicIdentity): void {
    const { context, identity: expected } = this.#target;
    if (identity !== expected) requireSameTopic("bookmark", { provider: context.provider, ...expected }, context.provider, identity);
  }
}
