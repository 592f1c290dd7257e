import type { RecordParts } from "../../driver/record-parts.ts";
import type { StoredRecord } from "../../driver/record.ts";
import { PROVENANCE_HEADER } from "../../provenance.ts";
import { ContentHash } from "./content-hash.ts";
import type { ProvenanceCursor } from "./provenance-cursor.ts";
import { hashContent } from "./record-digests.ts";
import { tellParts } from "./tell-parts.ts";

const NAME = Buffer.from(PROVENANCE_HEADER, "latin1");
const NAME_WORDS = Array.from({ length: Math.floor(NAME.length / 4) }, (_, index) => NAME.readInt32LE(index * 4));
/** Of the name, behind the words. */
const NAME_REST = NAME.subarray(NAME_WORDS.length * 4);

/**
 * Looks at many messages, one after the other, and makes nothing for one of the usual form: with one header of provenance at most, that of a first copy. All others
 * are looked at by their parts.
 */
export class RecordScan implements RecordParts {
  readonly #keepsHeaderOrder: boolean;
  readonly #origin: ProvenanceCursor | null;
  readonly #keepsTimes: boolean;
  readonly #hash = new ContentHash();
  /** Headers whose name begins as that of provenance. */
  #marked = 0;
  #isUsual = true;

  /**
   * @param origin is told where a message comes from, and its header is no part of the content; `null`: the messages are those of the source
   * @param keepsTimes a copy has the time of its message: one that differs is a difference of content
   */
  constructor(keepsHeaderOrder: boolean, origin: ProvenanceCursor | null, keepsTimes = false) {
    this.#keepsHeaderOrder = keepsHeaderOrder;
    this.#origin = origin;
    this.#keepsTimes = keepsTimes;
  }

  /** Whether the message that was looked at may have been copied before. */
  get isMarked(): boolean {
    return this.#marked > 0;
  }

  /** Of a message of the source. @returns its hash, valid until the next call */
  hashOf(record: StoredRecord, place: number): Int32Array {
    this.#look(record);
    const hash = this.#hash;
    if (this.#isInOrder) hash.finish(place, record.timestampMs);
    else hashContent(hash, place, record, -1, this.#keepsHeaderOrder);
    return hash.words;
  }

  /** Of a message of the target. @returns its hash, valid until the next call; `null`: the last copy of it was not from the source */
  hashOfCopy(record: StoredRecord): Int32Array | null {
    this.#look(record);
    if (this.#marked === 0) return null;
    const origin = this.#origin!;
    const hash = this.#hash;
    if (this.#marked === 1 && this.#isUsual && this.#isInOrder)
      hash.finish(origin.place, this.#keepsTimes ? record.timestampMs : origin.timestampMs);
    else {
      const index = origin.read(record.headers);
      if (index < 0) return null;
      const { key, value, headers } = record;
      const { timestampMs } = this.#keepsTimes ? record : origin;
      hashContent(hash, origin.place, { key, value, headers, timestampMs }, index, this.#keepsHeaderOrder);
    }
    return hash.words;
  }

  key(memory: DataView, at: number, length: number): void {
    this.#hash.key(memory, at, length);
  }

  value(memory: DataView, at: number, length: number): void {
    this.#hash.value(memory, at, length);
  }

  header(memory: DataView, nameAt: number, nameLength: number, valueAt: number, valueLength: number): void {
    if (beginsAsProvenance(memory, nameAt, nameLength)) {
      this.#marked += 1;
      if (this.#origin !== null) {
        this.#isUsual = nameLength === NAME.length && this.#origin.readAt(memory, valueAt, valueLength);
        return;
      }
    }
    this.#hash.header(memory, nameAt, nameLength, valueAt, valueLength);
  }

  #look(record: StoredRecord): void {
    this.#marked = 0;
    this.#isUsual = true;
    this.#hash.begin();
    tellParts(record, this);
  }

  get #isInOrder(): boolean {
    return this.#keepsHeaderOrder || this.#hash.headers < 2;
  }
}

function beginsAsProvenance(memory: DataView, at: number, length: number): boolean {
  if (length < NAME.length) return false;
  for (let index = 0; index < NAME_WORDS.length; index += 1) if (memory.getInt32(at + index * 4, true) !== NAME_WORDS[index]) return false;
  const restAt = at + NAME_WORDS.length * 4;
  for (let index = 0; index < NAME_REST.length; index += 1) if (memory.getUint8(restAt + index) !== NAME_REST[index]) return false;
  return true;
}
