import type { OutgoingRecord, StoredRecord } from "../../driver/record.ts";
import type { RecordContext } from "../../consume/record-handler.ts";
import { StreamError, withContext } from "../../errors.ts";
import type { PositionPlace } from "../../position/place.ts";
import type { MessageSource } from "../../position/position.ts";
import { provenanceTrail, provenanceWriter } from "../../provenance.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import type { CopyCount } from "./copy-count.ts";
import { isBehind } from "./place-order.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { TargetWriter } from "./target-writer.ts";

/** What all partitions of a copier share. */
export interface CopierParts {
  readonly sourceId: string;
  readonly targetId: string;
  readonly writer: TargetWriter;
  readonly limit: RateLimit;
  readonly count: CopyCount;
  /** `null`: no checkpoints are kept. */
  readonly checkpoints: CheckpointStore | null;
  readonly checkpointEveryMs: number;
  readonly compare: (a: string, b: string) => number;
}

/** How an ownership begins. */
export interface PartitionStart {
  /** Everything up to here is stored; `null`: nothing is known, or the source keeps no order in a partition. */
  readonly place: PositionPlace | null;
  /** Of the last message up to the place; `null`: messages of this source get none. */
  readonly ordinal: bigint | null;
  /** Positions of messages behind the place that the target holds, with their ordinals. */
  readonly held: Map<string, string | null>;
}

/** Without an order, messages of a source may come again at any time: so many of the last ones are remembered. */
const REMEMBERED_WITHOUT_ORDER = 100_000;

/** Copies one partition of the source, under one ownership, one batch after the other. */
export class PartitionCopy {
  readonly #parts: CopierParts;
  readonly #source: MessageSource;
  readonly #start: PartitionStart;
  readonly #provenance: ReturnType<typeof provenanceWriter>;
  /** The last position of the prefix that is stored, once it has passed the place of the start. */
  #stored: string | null = null;
  #ordinal: bigint | null;
  #checkpointAtMs: number;
  #isWriting = false;
  /** The last position that the target held at the start; `null`: it has been passed, or there was none. */
  #heldThrough: string | null = null;

  constructor(parts: CopierParts, source: MessageSource, start: PartitionStart) {
    this.#parts = parts;
    this.#source = source;
    this.#start = start;
    this.#provenance = provenanceWriter(parts.sourceId, source.partition);
    this.#ordinal = start.ordinal;
    // Without ordinals there is no order, and no checkpoint.
    for (const position of start.ordinal === null ? [] : start.held.keys()) {
      if (this.#heldThrough === null || parts.compare(position, this.#heldThrough) > 0) this.#heldThrough = position;
    }
    this.#checkpointAtMs = Date.now();
  }

  /** Resolves once the target holds all of these. @throws what the writer throws: then a new start has to find out what is held */
  async copy(records: readonly StoredRecord[], context: RecordContext): Promise<void> {
    const { limit } = this.#parts;
    this.#isWriting = true;
    for (let from = 0; from < records.length; from += limit.most) {
      const some = limit.most >= records.length ? records : records.slice(from, from + limit.most);
      await limit.take(some.length, context.signal);
      await this.#copy(some, context);
      // Not so after a failure: then what was written is not known.
      this.#isWriting = false;
      if (Date.now() - this.#checkpointAtMs >= this.#parts.checkpointEveryMs) await this.#checkpoint(context.signal);
      this.#isWriting = from + limit.most < records.length;
    }
  }

  /** Resolves when the last checkpoint is stored. There is none of a moment in which a batch is under way. */
  async finish(signal: AbortSignal): Promise<void> {
    if (!this.#isWriting) await this.#checkpoint(signal);
  }

  async #copy(records: readonly StoredRecord[], context: RecordContext): Promise<void> {
    const { writer, count } = this.#parts;
    const outgoing: OutgoingRecord[] = [];
    const counted = { duplicates: 0, returned: 0 };
    let refused: StreamError | null = null;
    for (const record of records) {
      const next = this.#outgoing(record, counted);
      if (next === null) continue;
      refused = writer.refusal(next);
      if (refused !== null) {
        // What comes before it is written, and the copy ends before it: nothing of its key may pass it.
        refused = withContext(refused, { partition: this.#source.partition, position: this.#source.positionOf(record.position) });
        break;
      }
      outgoing.push(next);
    }
    // The last moment before what cannot be taken back.
    if (!context.isCurrent()) throw this.#lost();
    if (outgoing.length > 0) await writer.write(outgoing, context.signal);
    count.add({ copied: outgoing.length, ...counted });
    if (refused !== null) throw refused;
    const last = records.at(-1)!.position;
    // The group may begin before the place of the checkpoint, which stays the prefix that is known to be stored.
    const { place } = this.#start;
    if (place === null || isBehind(last, place, this.#parts.compare)) this.#stored = last;
    if (this.#heldThrough !== null && this.#parts.compare(last, this.#heldThrough) >= 0) this.#heldThrough = null;
  }

  /** The message as it is written; `null`: it is left out. */
  #outgoing(record: StoredRecord, counted: { duplicates: number; returned: number }): OutgoingRecord | null {
    const { targetId, writer, compare } = this.#parts;
    const { place, held } = this.#start;
    const { position, headers, timestampMs } = record;
    if (headers.length > 0 && provenanceTrail(headers).copies.some(({ source }) => source === targetId)) {
      counted.returned += 1;
      return null;
    }
    if (place !== null && !isBehind(position, place, compare)) {
      counted.duplicates += 1;
      return null;
    }
    const heldOrdinal = held.size === 0 ? undefined : held.get(position);
    if (heldOrdinal !== undefined) {
      counted.duplicates += 1;
      if (this.#ordinal !== null) {
        held.delete(position);
        if (heldOrdinal !== null) this.#ordinal = BigInt(heldOrdinal);
      }
      return null;
    }
    let ordinal: string | null = null;
    if (this.#ordinal !== null) {
      this.#ordinal += 1n;
      ordinal = String(this.#ordinal);
    } else this.#remember(position);
    return writer.outgoing(record, this.#source.partition, this.#provenance(ordinal, timestampMs, position));
  }

  #remember(position: string): void {
    const { held } = this.#start;
    held.set(position, null);
    if (held.size > REMEMBERED_WITHOUT_ORDER) held.delete(held.keys().next().value!);
  }

  /** Stores what is known now. */
  async #checkpoint(signal: AbortSignal): Promise<void> {
    const { checkpoints, sourceId, targetId, writer } = this.#parts;
    if (checkpoints === null || this.#ordinal === null || this.#stored === null) return;
    // Messages that the target holds behind the place lie before any bookmark that could be made now. The former checkpoint stays true.
    if (this.#heldThrough !== null) return;
    this.#checkpointAtMs = Date.now();
    const { partition } = this.#source;
    const place = this.#stored;
    const ordinal = String(this.#ordinal);
    const targetBookmark = await writer.bookmark(signal);
    await checkpoints.write({ version: 1, source: sourceId, target: targetId, partition, place, ordinal, targetBookmark });
  }

  #lost(): StreamError {
    const { provider, topic, partition } = this.#source;
    const text = "the partition may belong to another member by now: nothing more is written before the group has answered";
    return new StreamError("ownership-lost", text, { provider, topic, partition, operation: "copy" });
  }
}
