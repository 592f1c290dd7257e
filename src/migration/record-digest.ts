import { crc32 } from "node:zlib";
import type { HeaderList } from "../driver/record.ts";
import type { StoredTime } from "../stored-time.ts";
import type { OpenSide } from "./side.ts";

/** What a copy must carry of a message. */
export interface CarriedContent {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: HeaderList;
  /** At the source. */
  readonly timestampMs: StoredTime;
}

/** From here on a call of the native checksum costs less than a loop. */
const LONG_BYTES = 160;

/**
 * Makes digests of messages: of one in the source, and the same of its copy in the target. A sum of them does not depend on the order. They find what was changed by
 * accident: 32 bits are of the content (the mixing steps of MurmurHash3 by Austin Appleby, public domain), mixed with the place into 48.
 */
export class RecordDigests {
  readonly #keepsHeaderOrder: boolean;

  constructor(source: OpenSide, target: OpenSide) {
    // Where one of both does not keep the order of headers, it is no part of the content.
    this.#keepsHeaderOrder = source.context.capabilities.exactHeaders && target.context.capabilities.exactHeaders;
  }

  /**
   * Of the content, and of where it comes from.
   * @param place `placeHash` of the message in the source
   * @param provenanceIndex of the header that the copy has added; -1: none
   */
  of(place: number, { key, value, headers, timestampMs }: CarriedContent, provenanceIndex = -1): number {
    const count = provenanceIndex < 0 ? headers.length : headers.length - 1;
    const time = Number(timestampMs);
    let hash = mixed(mixed(mixed(count, time | 0), Math.floor(time / 4_294_967_296)), 0x9e3779b9);
    hash = withContent(withContent(hash, key), value);
    if (count > 0) hash = this.#withHeaders(hash, headers, provenanceIndex, count);
    return (finished(hash ^ place) & 0xffff) * 4_294_967_296 + (finished(hash + Math.imul(place, 0x85ebca6b)) >>> 0);
  }

  #withHeaders(before: number, headers: HeaderList, provenanceIndex: number, count: number): number {
    let hash = before;
    if (this.#keepsHeaderOrder || count === 1) {
      for (let index = 0; index < headers.length; index += 1) {
        if (index !== provenanceIndex) hash = withContent(withText(hash, headers[index]![0]), headers[index]![1]);
      }
      return hash;
    }
    const ordered = headers.filter((_, index) => index !== provenanceIndex).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [name, content] of ordered) hash = withContent(withText(hash, name), content);
    return hash;
  }
}

/** A number for a message of the source: for buckets, samples and digests. @param seed `partitionHash` */
export function placeHash(seed: number, position: string): number {
  return finished(withText(seed, position));
}

/** As `placeHash`, of the rest of such bytes, which are ASCII. */
export function placeHashOfBytes(seed: number, bytes: Uint8Array, from: number): number {
  let hash = mixed(seed, bytes.length - from);
  for (let index = from; index < bytes.length; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return finished(hash);
}

export function partitionHash(partition: string): number {
  return withText(0x2545f491, partition);
}

/** With its length before it, so that no other content looks the same. */
function withContent(before: number, content: Uint8Array | null): number {
  if (content === null) return mixed(before, -1);
  const { length } = content;
  let hash = mixed(before, length);
  if (length >= LONG_BYTES) return mixed(hash, crc32(content));
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    hash = mixed(hash, content[at]! | (content[at + 1]! << 8) | (content[at + 2]! << 16) | (content[at + 3]! << 24));
  }
  let rest = 0;
  for (let shift = 0; at < length; at += 1, shift += 8) rest |= content[at]! << shift;
  return mixed(hash, rest);
}

function withText(before: number, text: string): number {
  let hash = mixed(before, text.length);
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

function mixed(hash: number, word: number): number {
  let mixing = Math.imul(word, 0xcc9e2d51);
  mixing = Math.imul((mixing << 15) | (mixing >>> 17), 0x1b873593);
  const next = hash ^ mixing;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** Every bit of the hash has an effect on every bit of the result. */
function finished(hash: number): number {
  let result = hash ^ (hash >>> 16);
  result = Math.imul(result, 0x85ebca6b);
  result ^= result >>> 13;
  result = Math.imul(result, 0xc2b2ae35);
  return result ^ (result >>> 16);
}
