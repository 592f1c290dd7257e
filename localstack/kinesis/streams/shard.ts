import { DamagedReads } from "../../faults/damaged-reads.ts";
import { type SequenceNumber, LAST_ORDINAL, formatSequenceNumber, parseSequenceNumber } from "./sequence-number.ts";
import type { StoredRecord } from "./stored-record.ts";

/** First and last hash key, both included. */
export interface HashRange {
  readonly first: string;
  readonly last: string;
}

export interface NewShard {
  readonly index: number;
  readonly range: HashRange;
  /** One for a split, two for a merge. */
  readonly parents: readonly Shard[];
  readonly createdAtMs: number;
  readonly generation: number;
}

/** One shard: a log that is open until the shard is split or merged. Records have ordinals, counted from 1. */
export class Shard {
  readonly shardId: string;
  readonly range: HashRange;
  readonly parentIds: readonly string[];
  readonly createdAtMs: number;
  readonly #index: number;
  readonly #generation: number;
  readonly #records: StoredRecord[] = [];
  #children: readonly Shard[] = [];
  #first = 1;
  #closedAtMs: number | null = null;
  #closedSecond = 0;
  /** By ordinal. */
  readonly damage = new DamagedReads<number>();

  constructor({ index, range, parents, createdAtMs, generation }: NewShard) {
    this.shardId = shardIdOf(index);
    this.range = range;
    this.parentIds = parents.map(({ shardId }) => shardId);
    this.createdAtMs = createdAtMs;
    this.#index = index;
    this.#generation = generation;
  }

  get children(): readonly Shard[] {
    return this.#children;
  }

  get isOpen(): boolean {
    return this.#closedAtMs === null;
  }

  get closedAtMs(): number | null {
    return this.#closedAtMs;
  }

  /** The ordinal of the oldest record that is left. */
  get first(): number {
    return this.#first;
  }

  /** The ordinal of the next record. */
  get next(): number {
    return this.#first + this.#records.length;
  }

  get startingSequenceNumber(): string {
    return this.#sequenceNumber(0, Math.floor(this.createdAtMs / 1_000));
  }

  /** null: the shard is open. */
  get endingSequenceNumber(): string | null {
    return this.isOpen ? null : this.#sequenceNumber(LAST_ORDINAL, this.#closedSecond);
  }

  #sequenceNumber(ordinal: number, second: number): string {
    return formatSequenceNumber({ generation: this.#generation, shardIndex: this.#index, ordinal, second });
  }

  append(partitionKey: string, data: string, bytes: number, arrivalMs: number): StoredRecord {
    const sequenceNumber = this.#sequenceNumber(this.next, Math.floor(arrivalMs / 1_000));
    const record = { sequenceNumber, arrivalMs, partitionKey, data, bytes };
    this.#records.push(record);
    return record;
  }

  /** @returns undefined behind the last record, and before the first one that is left */
  at(ordinal: number): StoredRecord | undefined {
    return this.#records[ordinal - this.#first];
  }

  /** @returns null for a number of another shard or stream, or one that has not been given to a record */
  parse(sequenceNumber: string): SequenceNumber | null {
    const parsed = parseSequenceNumber(sequenceNumber);
    if (parsed === null || parsed.generation !== this.#generation || parsed.shardIndex !== this.#index) return null;
    if (parsed.ordinal < this.next) return parsed;
    return sequenceNumber === this.endingSequenceNumber ? { ...parsed, ordinal: this.next } : null;
  }

  /** @returns the ordinal of the first record, in the order of the log, that was stored then or later */
  ordinalAt(timestampMs: number): number {
    const index = this.#records.findIndex(({ arrivalMs }) => arrivalMs >= timestampMs);
    return index < 0 ? this.next : this.#first + index;
  }

  close(children: readonly Shard[], atMs: number): void {
    this.#children = children;
    this.#closedAtMs = atMs;
    this.#closedSecond = Math.floor(atMs / 1_000);
  }

  /** Drops records that were stored earlier. */
  trim(beforeMs: number): void {
    if ((this.#records[0]?.arrivalMs ?? Infinity) >= beforeMs) return;
    const kept = this.#records.findIndex(({ arrivalMs }) => arrivalMs >= beforeMs);
    this.#drop(kept < 0 ? this.#records.length : kept);
  }

  /** Drops all records. */
  trimAll(): void {
    this.#drop(this.#records.length);
  }

  #drop(count: number): void {
    this.#records.splice(0, count);
    this.#first += count;
  }
}

export function shardIdOf(index: number): string {
  return `shardId-${String(index).padStart(12, "0")}`;
}
