import { crc32 } from "node:zlib";
import type { CallShape } from "../../driver/producer-driver.ts";
import type { Provenance } from "../../provenance.ts";

const SLOTS = 1_048_576;

/**
 * Whether first occurrences come in the order of the source: for each pair of a source and a target partition where a lane of the target is a partition,
 * else for each source partition and key. Keys share slots of a table whose size does not depend on them: so a message may only look as if it were out of
 * order. Then the keys of these slots are checked once more, each by itself.
 */
export class OrderCheck {
  readonly #lane: CallShape["lane"];
  readonly #pairs = new Map<string, number>();
  readonly #slots: Float64Array | null;
  readonly #suspects = new Set<number>();
  /** Of the keys in suspected slots. */
  readonly #keys = new Map<string, number>();

  constructor(lane: CallShape["lane"]) {
    this.#lane = lane;
    this.#slots = lane === "key" ? new Float64Array(SLOTS) : null;
  }

  /** For the first reading. @returns whether the message is certainly in no wrong place; where it may be, its slot is suspected */
  isInOrder(origin: Provenance, targetPartition: string, key: Uint8Array | null): boolean {
    if (this.#slots === null) return rises(this.#pairs, `${origin.partition}\0${targetPartition}`, Number(origin.ordinal));
    if (key === null) return true;
    const slot = slotOf(origin.partition, key);
    const ordinal = Number(origin.ordinal);
    if (ordinal > this.#slots[slot]!) this.#slots[slot] = ordinal;
    else this.#suspects.add(slot);
    return true;
  }

  /** Whether the target has to be read once more, with `isKeyInOrder`. */
  get hasSuspects(): boolean {
    return this.#suspects.size > 0;
  }

  /** For the second reading. */
  isKeyInOrder(origin: Provenance, key: Uint8Array | null): boolean {
    if (this.#lane === "partition" || key === null || !this.#suspects.has(slotOf(origin.partition, key))) return true;
    return rises(this.#keys, `${origin.partition}\0${Buffer.from(key).toString("latin1")}`, Number(origin.ordinal));
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
