import { UnreadableRecord } from "../codec/unreadable-record.ts";
import type { StoredRecord } from "../driver/record.ts";

/** Records that were delivered together, and which of them are handled. */
export class Delivery {
  readonly records: readonly StoredRecord[];
  /** How many records of the assignment came before the first of these. It orders messages without comparing positions. */
  readonly ordinal: number;
  readonly arrivedAtMs: number;
  /** Its only record stands for a range that cannot be read. The keys in it are not known, so nothing may pass it. */
  readonly isUnreadable: boolean;
  /** The first record that has not been looked at by the scheduler. */
  next = 0;
  /** All records before this one are handled. */
  prefix = 0;
  /** Which records behind the prefix are handled; made with the first of them. */
  done: Uint8Array | null = null;
  /** Behind the last record nothing is stored up to and including this position. */
  advancedThrough: string | null = null;

  constructor(records: readonly StoredRecord[], ordinal: number) {
    this.records = records;
    this.ordinal = ordinal;
    this.arrivedAtMs = Date.now();
    this.isUnreadable = records[0] instanceof UnreadableRecord;
  }

  /** The index of the next record for the scheduler. */
  takeNext(): number {
    return this.next++;
  }
}

/**
 * How far one assignment is handled: the contiguous prefix of what was delivered. Only the end of this prefix may be committed.
 * Messages that are handled behind a gap are committed when the gap is closed.
 */
export class Progress {
  #open: Delivery[] = [];
  #delivered = 0;
  #last: { readonly position: string } | null = null;

  add(records: readonly StoredRecord[]): Delivery {
    const delivery = new Delivery(records, this.#delivered);
    this.#delivered += records.length;
    this.#open.push(delivery);
    return delivery;
  }

  /** Nothing more is stored up to and including this position. */
  advance(through: string): void {
    const latest = this.#open.at(-1);
    if (latest !== undefined) latest.advancedThrough = through;
    else this.#last = { position: through };
  }

  complete(delivery: Delivery, index: number): void {
    const { records, done } = delivery;
    if (index !== delivery.prefix) {
      delivery.done ??= new Uint8Array(records.length);
      delivery.done[index] = 1;
      return;
    }
    let prefix = index + 1;
    if (done !== null) while (prefix < records.length && done[prefix] === 1) prefix += 1;
    delivery.prefix = prefix;
    if (delivery !== this.#open[0]) return;
    while (this.#open[0] !== undefined && this.#open[0].prefix === this.#open[0].records.length) this.#close(this.#open.shift()!);
  }

  #close(delivery: Delivery): void {
    const { records, advancedThrough } = delivery;
    this.#last = advancedThrough === null ? records[records.length - 1]! : { position: advancedThrough };
  }

  /** The end of the prefix; `null` while nothing is handled. */
  get through(): string | null {
    const head = this.#open[0];
    if (head !== undefined && head.prefix > 0) return head.records[head.prefix - 1]!.position;
    return this.#last?.position ?? null;
  }

  /** Ordinal of the oldest message that is not handled. */
  get oldestOrdinal(): number {
    const head = this.#open[0];
    return head === undefined ? this.#delivered : head.ordinal + head.prefix;
  }

  /** The oldest message that is not handled. */
  get oldest(): { readonly delivery: Delivery; readonly index: number } | null {
    const head = this.#open[0];
    return head === undefined ? null : { delivery: head, index: head.prefix };
  }

  get allHandled(): boolean {
    return this.#open.length === 0;
  }

  /** In stored order. */
  unhandled(): StoredRecord[] {
    return this.#open.flatMap(({ records, prefix, done }) => records.filter((_, index) => index >= prefix && done?.[index] !== 1));
  }
}
