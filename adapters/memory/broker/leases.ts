import type { MemoryRecord } from "../records.ts";
import { murmur2 } from "./hash.ts";
import type { Log } from "./log.ts";
import type { Mark } from "./marks.ts";

/** The most records that are leased at once. Later records wait. */
export const MAX_LEASED = 2_000;

/** A holder of leases. Its records lie in its inbox until it takes them. */
export interface Holder {
  readonly inbox: MemoryRecord[];
}

interface Lease<Of extends Holder> {
  readonly holder: Of;
  readonly key: string | null;
}

/** Which records of a log are handled, and which holder has the lease of each of the others. */
export class Leases<Of extends Holder> {
  readonly #log: Log;
  readonly #leased = new Map<number, Lease<Of>>();
  readonly #keys = new Map<string, { readonly holder: Of; records: number }>();
  /** Handled records after the first one that is not handled. */
  readonly #handled: Set<number>;
  readonly #attempts = new Map<number, number>();
  /** Records to be redelivered, in log order. */
  #returned: number[] = [];
  #handledUpTo: number;
  #next: number;
  #turn = 0;

  /** @param handled what was handled before */
  constructor(log: Log, handled: Mark) {
    this.#log = log;
    this.#handled = new Set(handled.read);
    this.#handledUpTo = handled.from;
    this.#next = handled.from;
  }

  /** Everything before this index is handled, or dropped by the log. */
  get handledUpTo(): number {
    this.#passHandled();
    return this.#handledUpTo;
  }

  get unhandled(): number {
    return this.#log.endIndex - this.handledUpTo - this.#handled.size;
  }

  /** Whether no more records are leased until some are handled or released. */
  get isFull(): boolean {
    return this.#leased.size >= MAX_LEASED;
  }

  #passHandled(): void {
    if (this.#handledUpTo < this.#log.firstIndex) {
      this.#handledUpTo = this.#log.firstIndex;
      for (const index of this.#handled) if (index < this.#handledUpTo) this.#handled.delete(index);
    }
    while (this.#handled.delete(this.#handledUpTo) || this.#isGone(this.#handledUpTo)) this.#handledUpTo += 1;
  }

  /** Compaction has removed the record, and no holder has its lease any more. */
  #isGone(index: number): boolean {
    return this.#log.isRemoved(index) && !this.#leased.has(index);
  }

  /** Leases the free records, oldest first. A key stays with its holder; without one its hash decides. @returns whether any was leased */
  spread(holders: readonly Of[]): boolean {
    let any = false;
    while (this.#returned.length > 0 && !this.isFull) {
      const [index] = this.#returned.splice(0, 1) as [number];
      any = this.#lease(index, holders) || any;
    }
    this.#next = Math.max(this.#next, this.#log.firstIndex);
    while (this.#next < this.#log.endIndex && !this.isFull && this.#returned.length === 0) {
      const records = this.#log.read(this.#next, MAX_LEASED - this.#leased.size, Infinity);
      for (const record of records) {
        if (this.#isHandled(record.index)) this.#next = record.index + 1;
        else this.#leaseTo(record, holders);
      }
      if (records.length > 0) any = true;
      else this.#next = this.#log.endIndex;
    }
    return any;
  }

  #lease(index: number, holders: readonly Of[]): boolean {
    if (this.#isHandled(index) || index < this.#log.firstIndex || this.#log.isRemoved(index)) return false;
    this.#leaseTo(this.#log.read(index, 1, 1)[0]!, holders);
    return true;
  }

  #leaseTo(record: MemoryRecord, holders: readonly Of[]): void {
    this.#next = Math.max(this.#next, record.index + 1);
    const key = keyOf(record);
    const known = key === null ? undefined : this.#keys.get(key);
    this.#turn += 1;
    const holder = known?.holder ?? holders[(record.key === null ? this.#turn : murmur2(record.key)) % holders.length]!;
    this.#leased.set(record.index, { holder, key });
    if (known !== undefined) known.records += 1;
    else if (key !== null) this.#keys.set(key, { holder, records: 1 });
    holder.inbox.push(record);
  }

  /** Takes records from the holder's inbox, and counts their delivery. */
  deliver(holder: Of, maxRecords: number, maxBytes: number): MemoryRecord[] {
    const records: MemoryRecord[] = [];
    let taken = 0;
    for (let bytes = 0; taken < holder.inbox.length && records.length < maxRecords && bytes < maxBytes; taken += 1) {
      const record = holder.inbox[taken]!;
      if (this.#leased.get(record.index)?.holder !== holder) continue;
      record.deliveryAttempt = (this.#attempts.get(record.index) ?? 0) + 1;
      this.#attempts.set(record.index, record.deliveryAttempt);
      bytes += record.bytes;
      records.push(record);
    }
    holder.inbox.splice(0, taken);
    return records;
  }

  handled(index: number): void {
    if (this.#isHandled(index) || index >= this.#next) return;
    this.#end(index);
    this.#attempts.delete(index);
    this.#returned = this.#returned.filter((returned) => returned !== index);
    this.#handled.add(index);
    this.#passHandled();
  }

  #isHandled(index: number): boolean {
    return index < this.#handledUpTo || this.#handled.has(index);
  }

  #end(index: number): void {
    const lease = this.#leased.get(index);
    this.#leased.delete(index);
    if (lease === undefined || lease.key === null) return;
    const held = this.#keys.get(lease.key)!;
    held.records -= 1;
    if (held.records === 0) this.#keys.delete(lease.key);
  }

  /** These records, and the later ones of their keys, have to be redelivered. */
  release(holder: Of, indexes: readonly number[]): void {
    const released = new Set(indexes.filter((index) => this.#leased.get(index)?.holder === holder));
    this.#redeliver((_, index) => released.has(index));
  }

  returnAll(holder: Of): void {
    this.#redeliver((lease) => lease.holder === holder);
  }

  /** The redelivery of a message brings back the later ones of its key, also those that are handled: https://cloud.google.com/pubsub/docs/ordering */
  #redeliver(which: (lease: Lease<Of>, index: number) => boolean): void {
    const firstOfKey = new Map<string, number>();
    for (const [index, lease] of this.#leased) {
      if (lease.key !== null && which(lease, index)) firstOfKey.set(lease.key, Math.min(index, firstOfKey.get(lease.key) ?? index));
    }
    const isFollower = (key: string | null, index: number): boolean => key !== null && index > (firstOfKey.get(key) ?? Infinity);
    this.#takeBack((lease, index) => which(lease, index) || isFollower(lease.key, index));
    if (firstOfKey.size === 0) return;
    this.#passHandled();
    for (const index of this.#handled) {
      if (this.#log.isRemoved(index) || !isFollower(keyOf(this.#log.read(index, 1, 1)[0]!), index)) continue;
      this.#handled.delete(index);
      this.#returned.push(index);
    }
    this.#returned.sort((a, b) => a - b);
  }

  /** The records that still lie in inboxes. */
  returnUndelivered(): void {
    const waiting = new Set<number>();
    const holders = new Set([...this.#leased.values()].map(({ holder }) => holder));
    for (const { inbox } of holders) for (const { index } of inbox) waiting.add(index);
    this.#takeBack((_, index) => waiting.has(index));
  }

  #takeBack(which: (lease: Lease<Of>, index: number) => boolean): void {
    const touched = new Set<Of>();
    for (const [index, lease] of this.#leased) {
      if (!which(lease, index)) continue;
      touched.add(lease.holder);
      this.#end(index);
      this.#returned.push(index);
    }
    this.#returned.sort((a, b) => a - b);
    for (const { inbox } of touched) inbox.splice(0, inbox.length, ...inbox.filter(({ index }) => this.#leased.has(index)));
  }
}

function keyOf({ key }: MemoryRecord): string | null {
  return key === null ? null : Buffer.from(key).toString("latin1");
}
