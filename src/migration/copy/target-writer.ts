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
import type { Bookmark } from "../../tokens.ts";
import { sideCall } from "../side-call.ts";
import { resolveEnds } from "../resolve-range.ts";
import type { OpenSide } from "../side.ts";
import { partitionsWereAdded } from "./partitions-were-added.ts";

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
  /** Also where partitions were added that move keys. */
  readonly mayReorder: boolean;
  #hasKeys = false;
  readonly #lookEveryMs: number;
  #lookedAtMs = performance.now();
  readonly #partitions = new Set<string>();

  constructor(
    target: OpenSide,
    { lookEveryMs = LOOK_EVERY_MS, mayReorder = false }: { readonly lookEveryMs?: number; readonly mayReorder?: boolean } = {},
  ) {
    this.#target = target;
    this.mayReorder = mayReorder;
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
    const description = await sideCall(context, "copy", signal, (attempt) =>
      context.driver.admin.describeTopic(context.nativeTopic, attempt),
    );
    for (const partition of description.partitions) this.#partitions.add(partition);
  }

  /** A message with a key was written. */
  get hasKeys(): boolean {
    return this.#hasKeys;
  }

  get choosesPartition(): boolean {
    return this.#sender.capabilities.explicitPartition && this.#partitions.size > 0;
  }

  /** How many partitions the target has, where more of them move keys; else `undefined`. */
  get partitionsOfKeys(): number | undefined {
    return this.#target.context.capabilities.growthKeepsKeyOrder ? undefined : this.#partitions.size;
  }

  /**
   * The message as it is written.
   * @param provenance the value of its header
   * @param keylessTo by `keylessPartition`
   */
  outgoing(record: StoredRecord, keylessTo: string | undefined, provenance: Uint8Array): OutgoingRecord {
    const { key, value, headers, timestampMs } = record;
    return {
      key,
      value,
      headers: withProvenance(headers, provenance),
      timestampMs: this.#sender.capabilities.producerTimestamps ? timestampMs : null,
      toPartition: key === null ? keylessTo : undefined,
    };
  }

  /** Why the target cannot take it; `null`: it can. */
  refusal(record: OutgoingRecord): StreamError | null {
    return this.#sender.refusal(record);
  }

  /** Resolves once all are stored. @throws `position-mismatch` where the target was created anew · as `RecordBatchSender.sendRecords` */
  async write(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    this.#requireSameTarget(this.#sender.identity);
    this.#hasKeys ||= records.some(({ key }) => key !== null);
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
      return encodeBookmark(context.provider, identity, new Map([...this.#partitions].map((partition) => [partition, place])));
    }
    const { receiptPositions } = context.capabilities;
    if (!receiptPositions || performance.now() - this.#lookedAtMs >= this.#lookEveryMs) await this.#lookForTheEnd(signal);
    return encodeBookmark(context.provider, identity, this.#seen);
  }

  /**
   * Where messages without a key go, of a partition of the source; `undefined`: nobody can choose.
   * @param former where they went before
   */
  keylessPartition(sourcePartition: string, former: string | null): string | undefined {
    if (!this.choosesPartition) return undefined;
    if (former !== null && this.#partitions.has(former)) return former;
    if (this.#partitions.has(sourcePartition)) return sourcePartition;
    return [...this.#partitions][crc32(sourcePartition) % this.#partitions.size];
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  async #lookForTheEnd(signal: AbortSignal): Promise<void> {
    this.#lookedAtMs = performance.now();
    const range = await resolveEnds(this.#target, "copy", signal);
    this.#requireSameTarget(range.identity);
    for (const { partition, start } of range.partitions) this.#saw(partition, start);
  }

  #saw(partition: string, place: PartitionPlace): void {
    if (!this.#partitions.has(partition)) {
      const { size } = this.#partitions;
      if (this.#hasKeys && this.partitionsOfKeys !== undefined && !this.mayReorder) throw partitionsWereAdded("target", this.#target, size);
      this.#partitions.add(partition);
    }
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
