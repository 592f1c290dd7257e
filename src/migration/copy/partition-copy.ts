import type { OutgoingRecord, StoredRecord } from "../../driver/record.ts";
import type { RecordContext } from "../../consume/record-handler.ts";
import { StreamError, withContext } from "../../errors.ts";
import type { ComparePositions, PositionPlace } from "../../position/place.ts";
import type { MessageSource } from "../../position/position.ts";
import { provenanceWriter } from "../../provenance.ts";
import { partitionHash, placeHash } from "../digest/place-hash.ts";
import type { RecordDigests } from "../digest/record-digests.ts";
import { comesFrom } from "../records-from.ts";
import type { OpenSide } from "../side.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import type { CopyCount } from "./copy-count.ts";
import { cutAndWrittenAnew } from "./cut-source.ts";
import { type HeldMessage, type HeldMessages, UNORDERED, heldKey } from "./held-messages.ts";
import { missingInTarget } from "./missing-in-target.ts";
import { isBehind } from "./place-order.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { SourcePartitions } from "./source-partitions.ts";
import type { TargetWriter } from "./target-writer.ts";

/** What all partitions of a copier share. */
export interface CopierParts {
  readonly sourceId: string;
  readonly target: OpenSide;
  readonly writer: TargetWriter;
  readonly digests: RecordDigests;
  readonly limit: RateLimit;
  readonly count: CopyCount;
  /** `null`: no checkpoints are kept. */
  readonly checkpoints: CheckpointStore | null;
  readonly checkpointEveryMs: number;
  readonly compare: ComparePositions;
  readonly sourcePartitions: SourcePartitions;
}

/** How an ownership begins. */
export interface PartitionStart {
  /** Everything up to here is stored; `null`: nothing is known, or the source keeps no order in a partition. */
  readonly place: PositionPlace | null;
  /** Of the message at the place, by its checkpoint; `null`: the group stands there, which knows by itself whether the log was cut. */
  readonly digest: number | null;
  /** Of the last message up to the place; `null`: messages of this source get none. */
  readonly ordinal: bigint | null;
  /** By position, messages behind the place that the target holds. */
  readonly held: Map<string, HeldMessage>;
  readonly lastByKey: HeldMessages["lastByKey"];
  /** Where messages without a key went before; `null`: that is not known. */
  readonly keylessTo: string | null;
  /** A message with a key was copied before, by the checkpoint. */
  readonly hasKeys: boolean;
}

/** Without an order, messages of a source may come again at any time: so many of the last ones are remembered. */
const REMEMBERED_WITHOUT_ORDER = 100_000;

/** Copies one partition of the source, under one ownership, one batch after the other. */
export class PartitionCopy {
  readonly #parts: CopierParts;
  readonly #source: MessageSource;
  readonly #start: PartitionStart;
  readonly #seed: number;
  readonly #provenance: ReturnType<typeof provenanceWriter>;
  /** The last position of the prefix that is stored, once it has passed the place of the start. */
  #stored: { readonly position: string; readonly digest: number } | null = null;
  #ordinal: bigint | null;
  #checkpointAtMs: number;
  #isWriting = false;
  readonly #keylessTo: string | undefined;
  #hasKeyless: boolean;
  #hasKeys: boolean;
  /** What the target held at the start, in log order, and how much of it has been passed. Compaction may take away some of it before it comes again. */
  readonly #heldInOrder: readonly { readonly position: string; readonly ordinal: bigint }[];
  #heldPassed = 0;

  constructor(parts: CopierParts, source: MessageSource, start: PartitionStart) {
    this.#parts = parts;
    this.#source = source;
    this.#start = start;
    this.#provenance = provenanceWriter(parts.sourceId, source.partition);
    this.#ordinal = start.ordinal;
    this.#seed = partitionHash(source.partition);
    this.#keylessTo = parts.writer.keylessPartition(source.partition, start.keylessTo);
    this.#hasKeyless = start.keylessTo !== null;
    this.#hasKeys = start.hasKeys;
    // Without ordinals there is no order, and no checkpoint.
    const held =
      start.ordinal === null ? [] : [...start.held].map(([position, { ordinal }]) => ({ position, ordinal: BigInt(ordinal ?? 0) }));
    this.#heldInOrder = held.sort((a, b) => parts.compare(a.position, b.position));
    this.#checkpointAtMs = Date.now();
  }

  /** Resolves once the target holds all of these. @throws what the writer throws: then a new start has to find out what is held */
  async copy(records: readonly StoredRecord[], context: RecordContext): Promise<void> {
    this.#isWriting = true;
    await this.#parts.limit.take(records.length, context.signal);
    await this.#copy(records, context);
    // Not so after a failure: then what was written is not known.
    this.#isWriting = false;
    if (Date.now() - this.#checkpointAtMs >= this.#parts.checkpointEveryMs) await this.#checkpoint(context.signal);
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
    const last = records.at(-1)!;
    // The group may begin before the place of the checkpoint, which stays the prefix that is known to be stored.
    const { place } = this.#start;
    if (place === null || isBehind(last.position, place, this.#parts.compare)) {
      this.#stored = { position: last.position, digest: this.#digestOf(last) };
    }
    this.#passHeld(last.position);
  }

  /** The message as it is written; `null`: it is left out. */
  #outgoing(record: StoredRecord, counted: { duplicates: number; returned: number }): OutgoingRecord | null {
    const { target, writer, compare } = this.#parts;
    const { place, held } = this.#start;
    const { position, timestampMs } = record;
    if (comesFrom(target.id, record)) {
      counted.returned += 1;
      return null;
    }
    if (place !== null && !isBehind(position, place, compare)) {
      if (position === place.position) this.#requireSame(record, this.#start.digest);
      counted.duplicates += 1;
      return null;
    }
    const heldMessage = held.size === 0 ? undefined : held.get(position);
    if (heldMessage !== undefined) {
      this.#requireSame(record, heldMessage.digest);
      counted.duplicates += 1;
      if (this.#ordinal !== null) held.delete(position);
      return null;
    }
    this.#passHeld(position);
    this.#requireNoLater(record);
    let ordinal: string | null = null;
    if (this.#ordinal !== null) {
      this.#ordinal += 1n;
      ordinal = String(this.#ordinal);
    } else this.#remember(position);
    if (record.key === null) this.#hasKeyless = true;
    else this.#hasKeys = true;
    return writer.outgoing(record, this.#keylessTo, this.#provenance(ordinal, timestampMs, position));
  }

  /** No message behind this position may have the ordinal of one that the target holds before it. */
  #passHeld(position: string): void {
    for (; this.#heldPassed < this.#heldInOrder.length; this.#heldPassed += 1) {
      const held = this.#heldInOrder[this.#heldPassed]!;
      if (this.#parts.compare(held.position, position) > 0) return;
      if (this.#ordinal !== null && held.ordinal > this.#ordinal) this.#ordinal = held.ordinal;
    }
  }

  /** What has to be written now must not lie before what was written of its key. */
  #requireNoLater({ key, position }: StoredRecord): void {
    if (this.#heldPassed === this.#heldInOrder.length) return;
    const later = this.#start.lastByKey.get(heldKey(key));
    if (later !== undefined && this.#parts.compare(later, position) > 0) throw missingInTarget(this.#source, later, this.#parts.target);
  }

  #digestOf(record: StoredRecord): number {
    return this.#parts.digests.of(placeHash(this.#seed, record.position), record);
  }

  /** What is left out must be what was copied. */
  #requireSame(record: StoredRecord, digest: number | null): void {
    if (digest !== null && this.#digestOf(record) !== digest) throw cutAndWrittenAnew(this.#source, record.position);
  }

  #remember(position: string): void {
    const { held } = this.#start;
    held.set(position, UNORDERED);
    if (held.size > REMEMBERED_WITHOUT_ORDER) held.delete(held.keys().next().value!);
  }

  /** Stores what is known now. */
  async #checkpoint(signal: AbortSignal): Promise<void> {
    const { checkpoints, sourceId, target, writer } = this.#parts;
    if (checkpoints === null || this.#ordinal === null || this.#stored === null) return;
    // Messages that the target holds behind the place lie before any bookmark that could be made now. The former checkpoint stays true.
    if (this.#heldPassed < this.#heldInOrder.length) return;
    this.#checkpointAtMs = Date.now();
    const { partition } = this.#source;
    const { position: place, digest } = this.#stored;
    const ordinal = String(this.#ordinal);
    const targetBookmark = await writer.bookmark(signal);
    await checkpoints.write({
      ...{ version: 1, source: sourceId, target: target.id, partition, place, digest, ordinal, targetBookmark },
      keylessTo: this.#hasKeyless ? this.#keylessTo : undefined,
      sourcePartitions: this.#hasKeys ? this.#parts.sourcePartitions.count : undefined,
      targetPartitions: this.#hasKeys ? writer.partitionsOfKeys : undefined,
    });
  }

  #lost(): StreamError {
    const { provider, topic, partition } = this.#source;
    const text = "the partition may belong to another member by now: nothing more is written before the group has answered";
    return new StreamError("ownership-lost", text, { provider, topic, partition, operation: "copy" });
  }
}
