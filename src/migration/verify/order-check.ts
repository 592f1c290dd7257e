import { crc32 } from "node:zlib";
import type { CallShape } from "../../driver/producer-driver.ts";
import type { StoredRecord } from "../../driver/record.ts";

const SLOTS = 1_048_576;
/** Keys that are checked by themselves in one reading. */
const MOST_KEYS = 500_000;

/** What must come in the order of the source, and the ordinal of its last message. */
interface Sequence {
  readonly partition: string;
  readonly targetPartition: string;
  ordinal: number;
}

/**
 * Whether first occurrences come in the order of the source: for each pair of a source and a target partition where a lane of the target is a partition,
 * else for each source partition and key. Without a key it is for each pair where the copy has chosen the partition, and not compared elsewhere. Keys share slots of a table whose size does not depend on them: so a message may only look as if it were out of
 * order. Then the keys of these slots are checked once more, each by itself, in as many readings as their number needs.
 */
export class OrderCheck {
  readonly #lane: CallShape["lane"];
  readonly #choosesPartition: boolean;
  /** By target partition and source partition. */
  readonly #pairs = new Map<string, Map<string, Sequence>>();
  /** Of the last message: mostly the next one is of the same two partitions. */
  #pair: Sequence = { partition: "", targetPartition: "", ordinal: Infinity };
  readonly #slots: Float64Array | null;
  readonly #mostKeys: number;
  #suspects = new Set<number>();
  /** Those of this reading that have keys, and those that wait for the next one. */
  readonly #checked = new Set<number>();
  readonly #later = new Set<number>();
  /** Of the keys in slots that are checked. */
  readonly #keys = new Map<string, number>();

  /** @param choosesPartition messages without a key are sent to a chosen partition of the target */
  constructor(lane: CallShape["lane"], choosesPartition: boolean, mostKeys = MOST_KEYS) {
    this.#lane = lane;
    this.#choosesPartition = choosesPartition;
    this.#mostKeys = mostKeys;
    this.#slots = lane === "key" ? new Float64Array(SLOTS) : null;
  }

  /** For the first reading. @returns whether the message is certainly in no wrong place; where it may be, its slot is suspected */
  isInOrder(partition: string, ordinal: number, targetPartition: string, record: Pick<StoredRecord, "key">): boolean {
    const { key } = record;
    if (this.#slots === null || (key === null && this.#choosesPartition)) {
      if (this.#pair.partition !== partition || this.#pair.targetPartition !== targetPartition)
        this.#pair = this.#pairOf(partition, targetPartition);
      if (ordinal <= this.#pair.ordinal) return false;
      this.#pair.ordinal = ordinal;
      return true;
    }
    if (key === null) return true;
    const slot = slotOf(partition, key);
    if (ordinal > this.#slots[slot]!) this.#slots[slot] = ordinal;
    else this.#suspects.add(slot);
    return true;
  }

  #pairOf(partition: string, targetPartition: string): Sequence {
    const pairs = this.#pairs.get(targetPartition) ?? new Map<string, Sequence>();
    const pair = pairs.get(partition) ?? { partition, targetPartition, ordinal: 0 };
    pairs.set(partition, pair);
    this.#pairs.set(targetPartition, pairs);
    return pair;
  }

  /** Whether the target has to be read once more, with `isKeyInOrder`; then it begins anew. */
  beginReading(): boolean {
    if (this.#checked.size > 0) this.#suspects = new Set(this.#later);
    this.#checked.clear();
    this.#later.clear();
    this.#keys.clear();
    return this.#suspects.size > 0;
  }

  /** For these readings. */
  isKeyInOrder(partition: string, ordinal: number, key: Uint8Array | null): boolean {
    if (this.#lane === "partition" || key === null) return true;
    const slot = slotOf(partition, key);
    if (!this.#suspects.has(slot) || this.#later.has(slot)) return true;
    if (!this.#checked.has(slot) && this.#keys.size >= this.#mostKeys) {
      this.#later.add(slot);
      return true;
    }
    this.#checked.add(slot);
    return rises(this.#keys, `${partition}\0${Buffer.from(key).toString("latin1")}`, ordinal);
  }
}

function slotOf(partition: string, key: Uint8Array): number {
  return crc32(key, crc32(partition)) % SLOTS;
}

function rises(last: Map<string, number>, sequence: string, ordinal: number): boolean {
  if (ordinal <= (last.get(sequence) ?? 0)) return false;
  last.set(sequence, ordinal);
  return true;
}
