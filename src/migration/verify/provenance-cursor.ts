import type { HeaderList } from "../../driver/record.ts";
import { PROVENANCE_HEADER, provenanceTrail } from "../../provenance.ts";
import type { StoredTime } from "../../stored-time.ts";
import { partitionHash, placeHash, placeHashOfBytes } from "../record-digest.ts";

const BLANK = 0x20;
const PERCENT = 0x25;
const ZERO = 0x30;
/** Numbers of so many digits are exact. */
const MOST_DIGITS = 15;

/**
 * Reads the provenance of many messages, one after the other, of one copy. It makes nothing for a message whose provenance has the usual form; the others it
 * leaves to `provenanceTrail`.
 */
export class ProvenanceCursor {
  readonly #source: string;
  /** What a value begins with. */
  readonly #prefix: Uint8Array;
  #partitionBytes = new Uint8Array(0);
  #seed = 0;
  #value: Uint8Array | null = null;
  #positionFrom = 0;
  #position: string | null = null;
  /** The index of the header. */
  index = -1;
  /** `null`: the source keeps no order in a partition. */
  ordinal: number | null = null;
  timestampMs: StoredTime = 0;
  partition = "";
  /** `placeHash` of the message in the source. */
  place = 0;

  /** @param source `sourceIdOf` the source of the copy */
  constructor(source: string) {
    this.#source = source;
    this.#prefix = Buffer.from(`${source} `, "latin1");
  }

  get position(): string {
    const value = this.#value;
    if (this.#position === null && value !== null) {
      this.#position = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1", this.#positionFrom);
    }
    return this.#position ?? "";
  }

  /** @returns whether the last copy of this message was from the source; only then the fields are those of this message */
  read(headers: HeaderList): boolean {
    let found = -1;
    for (let index = 0; index < headers.length; index += 1) {
      if (!headers[index]![0].startsWith(PROVENANCE_HEADER)) continue;
      if (found >= 0) return this.#readTrail(headers);
      found = index;
    }
    if (found < 0) return false;
    const [name, value] = headers[found]!;
    if (value === null || name.length !== PROVENANCE_HEADER.length || !this.#parse(value)) return this.#readTrail(headers);
    this.index = found;
    return true;
  }

  #readTrail(headers: HeaderList): boolean {
    const { copies, lastIndex } = provenanceTrail(headers);
    const origin = copies.at(-1);
    if (origin?.source !== this.#source) return false;
    this.index = lastIndex;
    this.ordinal = origin.ordinal === null ? null : Number(origin.ordinal);
    this.timestampMs = origin.timestampMs;
    this.partition = origin.partition;
    this.#partitionBytes = new Uint8Array(0);
    this.#value = null;
    this.#position = origin.position;
    this.place = placeHash(partitionHash(origin.partition), origin.position);
    return true;
  }

  /** @returns whether the value has the usual form: decimal numbers, and nothing that is encoded */
  #parse(value: Uint8Array): boolean {
    const prefix = this.#prefix;
    for (let index = 0; index < prefix.length; index += 1) if (value[index] !== prefix[index]) return false;
    const ordinalEnd = digitsEnd(value, prefix.length);
    const timeEnd = digitsEnd(value, ordinalEnd + 1);
    if (ordinalEnd < 0 || timeEnd < 0 || value[prefix.length] === ZERO) return false;
    const partitionEnd = this.#parsePartition(value, timeEnd + 1);
    if (partitionEnd < 0 || partitionEnd + 1 >= value.length) return false;
    for (let at = partitionEnd + 1; at < value.length; at += 1) {
      const byte = value[at]!;
      if (byte <= BLANK || byte > 0x7e || byte === PERCENT) return false;
    }
    this.ordinal = numberAt(value, prefix.length, ordinalEnd);
    this.timestampMs = numberAt(value, ordinalEnd + 1, timeEnd);
    this.#value = value;
    this.#positionFrom = partitionEnd + 1;
    this.#position = null;
    this.place = placeHashOfBytes(this.#seed, value, partitionEnd + 1);
    return true;
  }

  /** Mostly it is that of the message before. @returns where it ends; -1: in no usual form */
  #parsePartition(value: Uint8Array, from: number): number {
    const known = this.#partitionBytes;
    let same = 0;
    while (same < known.length && value[from + same] === known[same]) same += 1;
    if (same > 0 && same === known.length && value[from + same] === BLANK) return from + same;
    const end = value.indexOf(BLANK, from);
    const bytes = value.slice(from, Math.max(from, end));
    if (bytes.length === 0 || bytes.some((byte) => byte < BLANK || byte > 0x7e || byte === PERCENT)) return -1;
    this.#partitionBytes = bytes;
    this.partition = Buffer.from(bytes).toString("latin1");
    this.#seed = partitionHash(this.partition);
    return end;
  }
}

/** @returns where the number ends, before a blank; -1: there is none */
function digitsEnd(value: Uint8Array, from: number): number {
  let at = from;
  for (; at < value.length && value[at] !== BLANK; at += 1) {
    const digit = value[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
  }
  return at > from && at < value.length && at - from <= MOST_DIGITS ? at : -1;
}

function numberAt(value: Uint8Array, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at += 1) number = number * 10 + (value[at]! - ZERO);
  return number;
}
