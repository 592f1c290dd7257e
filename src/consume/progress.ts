import { UnreadableRecord } from "../codec/unreadable-record.ts";
import type { HandledAhead } from "../position/handled-ahead.ts";
import type { StoredRecord } from "../driver/record.ts";

/** Records that were delivered together, and which of them are handled. */
export class Delivery {
  readonly records: readonly StoredRecord[];
  /**
   * How many records of the assignment came before the first of these, those included that were handled before this ownership. It orders
   * messages without comparing positions, and says how far they lie apart.
   */
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
  /** Behind the last record everything was handled before this ownership, up to and including this position. */
  skippedThrough: string | null = null;

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

  /** The index of the last record that is handled; -1: none is. */
  get lastHandled(): number {
    return Math.max(this.prefix - 1, this.done?.lastIndexOf(1) ?? -1);
  }
}

/**
 * How far one assignment is handled: the contiguous prefix of what was delivered, and what is handled behind it. Only the end of the
 * prefix may become the group's place. What lies ahead of it is stored beside the place.
 */
export class Progress {
  #open: Delivery[] = [];
  /** How many records were read: delivered, or handled before this ownership. */
  #count = 0;
  #last: { readonly position: string } | null = null;
  #aheadChanged = false;

  add(records: readonly StoredRecord[]): Delivery {
    const delivery = new Delivery(records, this.#count);
    this.#count += records.length;
    this.#open.push(delivery);
    return delivery;
  }

  /** Nothing more is stored up to and including this position. */
  advance(through: string): void {
    const latest = this.#open.at(-1);
    if (latest !== undefined) latest.advancedThrough = through;
    else this.#last = { position: through };
  }

  /** The record at this position, behind everything that was read, was handled before this ownership. */
  skip(through: string): void {
    this.#count += 1;
    const latest = this.#open.at(-1);
    if (latest !== undefined) latest.skippedThrough = through;
    this.advance(through);
  }

  /** The end of what was read; `null` while nothing was. */
  get read(): string | null {
    const latest = this.#open.at(-1);
    return latest?.advancedThrough ?? latest?.records.at(-1)!.position ?? this.#last?.position ?? null;
  }

  complete(delivery: Delivery, index: number): void {
    const { records, done } = delivery;
    if (index !== delivery.prefix) {
      delivery.done ??= new Uint8Array(records.length);
      delivery.done[index] = 1;
      this.#aheadChanged = true;
      return;
    }
    let prefix = index + 1;
    if (done !== null) while (prefix < records.length && done[prefix] === 1) prefix += 1;
    delivery.prefix = prefix;
    if (delivery !== this.#open[0]) {
      this.#aheadChanged = true;
      return;
    }
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

  /** Has anything been handled behind the prefix since `aheadTaken`? */
  get aheadChanged(): boolean {
    return this.#aheadChanged;
  }

  aheadTaken(): void {
    this.#aheadChanged = false;
  }

  /** What was taken has not been stored, or does not hold any longer. */
  changeAhead(): void {
    this.#aheadChanged = true;
  }

  /**
   * What is handled behind the prefix. `unread`: what was handled before this ownership behind everything that was read. Nothing is
   * named at or behind an unreadable range that is not settled: what lies in it could be read later.
   */
  ahead(unread: HandledAhead | null): HandledAhead | null {
    const barrier = this.#open.findIndex(({ isUnreadable, prefix }) => isUnreadable && prefix === 0);
    const known = barrier < 0 ? this.#open : this.#open.slice(0, barrier);
    const behind = barrier < 0 ? unread : null;
    if (behind !== null) return { upTo: behind.upTo, except: [...unhandledIn(known), ...behind.except] };
    const last = known.findLastIndex(
      (delivery, at) => delivery.skippedThrough !== null || delivery.lastHandled >= (at === 0 ? delivery.prefix : 0),
    );
    if (last < 0) return null;
    const { records, lastHandled, skippedThrough } = known[last]!;
    const upTo = skippedThrough ?? records[lastHandled]!.position;
    return {
      upTo,
      except: [...unhandledIn(known.slice(0, last)), ...unhandledIn([known[last]!], skippedThrough === null ? lastHandled : undefined)],
    };
  }

  /** Ordinal of the oldest message that is not handled. */
  get oldestOrdinal(): number {
    const head = this.#open[0];
    return head === undefined ? this.#count : head.ordinal + head.prefix;
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

/** The positions of the unhandled records of these deliveries; of each only those before the index `end`. */
function unhandledIn(deliveries: readonly Delivery[], end = Infinity): string[] {
  const positions: string[] = [];
  for (const { records, prefix, done } of deliveries) {
    for (let index = prefix; index < Math.min(end, records.length); index += 1)
      if (done?.[index] !== 1) positions.push(records[index]!.position);
  }
  return positions;
}
