const BUCKETS = 65_536;
/** Sums stay exact below this. */
const MODULUS = 2 ** 48;

/** Counts and sums of digests of both sides, in buckets by the place of a message in the source. Its size does not depend on what is read. */
export class DigestTable {
  readonly #counts = { source: new Uint32Array(BUCKETS), target: new Uint32Array(BUCKETS) };
  readonly #sums = { source: new Float64Array(BUCKETS), target: new Float64Array(BUCKETS) };

  /** @param place `placeHash` */
  add(side: "source" | "target", place: number, digest: number): void {
    const bucket = bucketOf(place);
    this.#counts[side][bucket]! += 1;
    const sum = this.#sums[side][bucket]! + digest;
    this.#sums[side][bucket] = sum >= MODULUS ? sum - MODULUS : sum;
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
      const count = this.#counts.source[bucket]!;
      if (count === this.#counts.target[bucket] && this.#sums.source[bucket] === this.#sums.target[bucket]) continue;
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
}

/** @param place `placeHash` */
export function bucketOf(place: number): number {
  return place & (BUCKETS - 1);
}
