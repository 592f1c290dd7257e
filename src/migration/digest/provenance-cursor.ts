import type { HeaderList } from "../../driver/record.ts";
import { provenanceTrail } from "../../provenance.ts";
import type { StoredTime } from "../../stored-time.ts";
import { partitionHash, placeHash, placeHashAt } from "./place-hash.ts";

const BLANK = 0x20;
const PERCENT = 0x25;
const ZERO = 0x30;
const PREFIX_BYTES = 12;
/** Numbers of so many digits are exact. */
const MOST_DIGITS = 15;

/**
 * Reads the provenance of many messages, one after the other, of one copy. It makes nothing for a message whose provenance has the usual form; the others it
 * leaves to `provenanceTrail`.
 */
export class ProvenanceCursor {
  readonly #source: string;
  /** What a value begins with, as words of four bytes: the id has eleven characters. */
  readonly #prefix: readonly [number, number, number];
  #partitionBytes = new Uint8Array(0);
  #seed = 0;
  #memory: DataView = new DataView(new ArrayBuffer(0));
  #positionAt = 0;
  #positionEnd = 0;
  #position: string | null = null;
  /** `null`: the source keeps no order in a partition. */
  ordinal: number | null = null;
  timestampMs: StoredTime = 0;
  partition = "";
  /** `placeHash` of the message in the source. */
  place = 0;

  /** @param source `sourceIdOf` the source of the copy */
  constructor(source: string) {
    this.#source = source;
    const prefix = Buffer.from(`${source} `, "latin1");
    this.#prefix = [prefix.readInt32LE(0), prefix.readInt32LE(4), prefix.readInt32LE(8)];
  }

  /** Where the message was in the source. */
  get position(): string {
    const { buffer, byteOffset } = this.#memory;
    this.#position ??= Buffer.from(buffer, byteOffset + this.#positionAt, this.#positionEnd - this.#positionAt).toString("latin1");
    return this.#position;
  }

  /**
   * For any message. The fields are those of this message where the last copy of it was from the source.
   * @returns the index of the header of this copy; -1: it was not from the source
   */
  read(headers: HeaderList): number {
    const { copies, lastIndex } = provenanceTrail(headers);
    const origin = copies.at(-1);
    if (origin?.source !== this.#source) return -1;
    this.ordinal = origin.ordinal === null ? null : Number(origin.ordinal);
    this.timestampMs = origin.timestampMs;
    this.partition = origin.partition;
    this.#partitionBytes = new Uint8Array(0);
    this.#position = origin.position;
    this.place = placeHash(partitionHash(origin.partition), origin.position);
    return lastIndex;
  }

  /**
   * For a message with one header of provenance, that of a first copy.
   * @returns whether its value has the usual form: from the source, decimal numbers, and nothing that is encoded. Only then the fields are those of this message
   */
  readAt(memory: DataView, at: number, length: number): boolean {
    const [first, second, third] = this.#prefix;
    if (length < PREFIX_BYTES || memory.getInt32(at, true) !== first) return false;
    if (memory.getInt32(at + 4, true) !== second || memory.getInt32(at + 8, true) !== third) return false;
    const end = at + length;
    const ordinalAt = at + PREFIX_BYTES;
    const ordinalEnd = digitsEnd(memory, ordinalAt, end);
    if (ordinalEnd < 0 || memory.getUint8(ordinalAt) === ZERO) return false;
    const timeEnd = digitsEnd(memory, ordinalEnd + 1, end);
    if (timeEnd < 0) return false;
    const partitionEnd = this.#readPartition(memory, timeEnd + 1, end);
    if (partitionEnd < 0 || partitionEnd + 1 >= end) return false;
    for (let byteAt = partitionEnd + 1; byteAt < end; byteAt += 1) if (!isPlain(memory.getUint8(byteAt))) return false;
    this.ordinal = numberAt(memory, ordinalAt, ordinalEnd);
    this.timestampMs = numberAt(memory, ordinalEnd + 1, timeEnd);
    this.#memory = memory;
    this.#positionAt = partitionEnd + 1;
    this.#positionEnd = end;
    this.#position = null;
    this.place = placeHashAt(this.#seed, memory, partitionEnd + 1, end);
    return true;
  }

  /** Mostly it is that of the message before. @returns where it ends; -1: in no usual form */
  #readPartition(memory: DataView, from: number, end: number): number {
    const known = this.#partitionBytes;
    const knownEnd = from + known.length;
    if (known.length > 0 && knownEnd < end && memory.getUint8(knownEnd) === BLANK) {
      let same = 0;
      while (same < known.length && memory.getUint8(from + same) === known[same]) same += 1;
      if (same === known.length) return knownEnd;
    }
    let partitionEnd = from;
    while (partitionEnd < end && isPlain(memory.getUint8(partitionEnd))) partitionEnd += 1;
    if (partitionEnd === from || partitionEnd === end || memory.getUint8(partitionEnd) !== BLANK) return -1;
    this.#partitionBytes = new Uint8Array(memory.buffer, memory.byteOffset + from, partitionEnd - from).slice();
    this.partition = Buffer.from(this.#partitionBytes).toString("latin1");
    this.#seed = partitionHash(this.partition);
    return partitionEnd;
  }
}

/** Visible ASCII that stands for itself. */
function isPlain(byte: number): boolean {
  return byte > BLANK && byte < 0x7f && byte !== PERCENT;
}

/** @returns where the number ends, before a blank; -1: there is none */
function digitsEnd(memory: DataView, from: number, end: number): number {
  let at = from;
  for (; at < end && memory.getUint8(at) !== BLANK; at += 1) {
    const digit = memory.getUint8(at) - ZERO;
    if (digit < 0 || digit > 9) return -1;
  }
  return at > from && at < end && at - from <= MOST_DIGITS ? at : -1;
}

function numberAt(memory: DataView, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at += 1) number = number * 10 + (memory.getUint8(at) - ZERO);
  return number;
}
