const BUCKETS = 65_536;
/** The words of a hash. */
const WORDS = 4;

/** Counts and sums of digests of both sides, in buckets by the place of a message in the source. Its size does not depend on what is read. */
export class DigestTable {
  readonly #counts = { source: new Uint32Array(BUCKETS), target: new Uint32Array(BUCKETS) };
  /** Word by word, modulo 2^32. They do not depend on the order. */
  readonly #sums = { source: new Uint32Array(BUCKETS * WORDS), target: new Uint32Array(BUCKETS * WORDS) };

  /** @param place `placeHash`. @param digest four words */
  add(side: "source" | "target", place: number, digest: Int32Array): void {
    const bucket = bucketOf(place);
    this.#counts[side][bucket]! += 1;
    const sums = this.#sums[side];
    const at = bucket * WORDS;
    sums[at]! += digest[0]!;
    sums[at + 1]! += digest[1]!;
    sums[at + 2]! += digest[2]!;
    sums[at + 3]! += digest[3]!;
  }

  /** How many messages of these buckets were met. */
  countOf(side: "source" | "target", buckets: ReadonlySet<number>): number {
    let count = 0;
    for (const bucket of buckets) count += this.#counts[side][bucket]!;
    return count;
  }

  /** The buckets in which the sides differ, in portions of about so many messages. */
  *differences(mostMessages: number): Generator<ReadonlySet<number>> {
    let portion = new Set<number>();
    let messages = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (this.#isEqual(bucket)) continue;
      const count = this.#counts.source[bucket]!;
      if (portion.size > 0 && messages + count > mostMessages) {
        yield portion;
        portion = new Set();
        messages = 0;
      }
      portion.add(bucket);
      messages += count;
    }
    if (portion.size > 0) yield portion;
  }

  #isEqual(bucket: number): boolean {
    if (this.#counts.source[bucket] !== this.#counts.target[bucket]) return false;
    const { source, target } = this.#sums;
    for (let at = bucket * WORDS; at < (bucket + 1) * WORDS; at += 1) if (source[at] !== target[at]) return false;
    return true;
  }
}

/** @param place `placeHash` */
export function bucketOf(place: number): number {
  return place & (BUCKETS - 1);
}
