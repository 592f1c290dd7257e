import { expect, test } from "vitest";
import type { StoredTime } from "../../../../src/stored-time.ts";
import { Random } from "../../../../src/conformance/history/random.ts";
import { ContentHash } from "../../../../src/migration/digest/content-hash.ts";

const hash = new ContentHash();
const memoryOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function wordsOf(value: Uint8Array, place = 1, time: StoredTime = 1_730_000_000_000): readonly number[] {
  hash.begin();
  hash.value(memoryOf(value), 0, value.length);
  hash.finish(place, time);
  return [...hash.words];
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.between(0, 255)));
}

test("a change within one block of 16 bytes always changes the hash, whatever the bytes are", () => {
  const random = new Random(3);
  for (const length of [1, 3, 4, 7, 15, 16, 17, 31, 33, 100]) {
    for (let round = 0; round < 300; round += 1) {
      const value = random.between(0, 1) === 0 ? Buffer.alloc(length) : randomBytes(random, length);
      const changed = Buffer.from(value);
      const block = random.between(0, Math.ceil(length / 16) - 1) * 16;
      const at = random.between(block, Math.min(length, block + 16) - 1);
      changed[at]! ^= 1 << random.between(0, 7);
      expect(wordsOf(changed)).not.toEqual(wordsOf(value));
    }
  }
});

test("one changed bit changes about half of the bits of the hash, wherever it is", () => {
  const random = new Random(4);
  for (const length of [4, 16, 40, 100]) {
    const value = randomBytes(random, length);
    const before = wordsOf(value);
    let flipped = 0;
    for (let bit = 0; bit < length * 8; bit += 1) {
      const changed = Buffer.from(value);
      changed[bit >>> 3]! ^= 1 << (bit & 7);
      const after = wordsOf(changed);
      for (let word = 0; word < 4; word += 1) {
        const count = bitsOf(before[word]! ^ after[word]!);
        flipped += count;
        expect(count).toBeGreaterThan(0);
      }
    }
    const share = flipped / (length * 8 * 128);
    expect(share).toBeGreaterThan(0.47);
    expect(share).toBeLessThan(0.53);
  }
});

test("no word of the hash has more collisions than chance among messages that differ little", () => {
  const count = 200_000;
  const words = [new Set<number>(), new Set<number>(), new Set<number>(), new Set<number>()];
  const value = Buffer.alloc(40, 0x2e);
  for (let number = 0; number < count; number += 1) {
    value.writeUInt32BE(number, 0);
    value.writeUInt32LE(number * 4_096, 16);
    for (const [index, word] of wordsOf(value).entries()) words[index]!.add(word);
  }
  // By chance: count² / 2^33, which is 4.7.
  for (const word of words) expect(word.size).toBeGreaterThan(count - 25);
});

test("neither the cut between parts nor a time beyond exact numbers is lost", () => {
  const hashes = new Set<string>();
  const memory = memoryOf(Buffer.from("abcdef"));
  const parts = [
    [0, 2, 2, 4],
    [0, 3, 3, 3],
    [0, 6, 6, 0],
    [0, 6, 6, -1],
    [0, 0, 0, 6],
    [0, -1, 0, 6],
  ] as const;
  for (const [keyAt, keyLength, valueAt, valueLength] of parts) {
    hash.begin();
    hash.key(memory, keyAt, keyLength);
    hash.value(memory, valueAt, valueLength);
    hash.finish(1, 5);
    hashes.add(hash.words.join());
  }
  for (const time of [2n ** 60n, 2n ** 60n + 1n, -(2n ** 60n), 2 ** 52, 2 ** 52 + 1, -5, 5])
    hashes.add(wordsOf(Buffer.alloc(9), 1, time).join());
  for (const place of [0, 2, -1]) hashes.add(wordsOf(Buffer.alloc(9), place, 5).join());
  expect(hashes.size).toBe(parts.length + 7 + 3);
  expect(wordsOf(Buffer.alloc(9), 1, 1_730_000_000_000n)).toEqual(wordsOf(Buffer.alloc(9), 1, 1_730_000_000_000));
});

function bitsOf(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest > 0; rest >>>= 1) count += rest & 1;
  return count;
}
