import type { TopicSnapshot } from "../topic-directory.ts";
import type { OffsetLookup } from "./offset-lookup.ts";
import type { EpochEnd } from "./read-epochs.ts";

/** A log changes its leader epoch once in an election. With more epochs than this, nothing is said. */
const MAX_EPOCHS = 16;

export interface OffsetRange {
  readonly from: bigint;
  /** Exclusive. */
  readonly end: bigint;
}

/**
 * The leader epochs in which the records of a range are stored, by partition. A partition is absent if the server does not know.
 * @throws as the requests
 */
export async function epochsBetween(
  lookup: OffsetLookup,
  topic: TopicSnapshot,
  ranges: ReadonlyMap<number, OffsetRange>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, readonly EpochEnd[]>> {
  const bounds = await lookup.bounds(topic, [...ranges.keys()], signal);
  const known = new Map<number, readonly EpochEnd[]>();
  const searches = new Map<number, EpochSearch>();
  const newest = new Map(
    [...bounds].flatMap(([partition, { leaderEpoch }]) => (leaderEpoch < 0 ? [] : [[partition, leaderEpoch] as const])),
  );
  // The newest epoch may have no records yet.
  for (const [partition, last] of await lookup.epochEnds(topic, newest, signal)) {
    if (last.leaderEpoch >= 0) searches.set(partition, new EpochSearch(ranges.get(partition)!, last.leaderEpoch));
  }
  for (let round = 0; searches.size > 0 && round < MAX_EPOCHS; round += 1) {
    const before = new Map([...searches].flatMap(([partition, { epoch }]) => (epoch < 1 ? [] : [[partition, epoch - 1] as const])));
    const ends = before.size === 0 ? new Map<number, EpochEnd>() : await lookup.epochEnds(topic, before, signal);
    for (const [partition, search] of searches) {
      if (!search.step(ends.get(partition) ?? null)) continue;
      known.set(partition, search.found);
      searches.delete(partition);
    }
  }
  return known;
}

/** From the last epoch of a log back to the one in which a range begins. */
class EpochSearch {
  readonly #from: bigint;
  #end: bigint;
  epoch: number;
  readonly found: EpochEnd[] = [];

  constructor({ from, end }: OffsetRange, epoch: number) {
    this.#from = from;
    this.#end = end;
    this.epoch = epoch;
  }

  /** @param before the end of the epoch before this one, where this one begins; `null`: there is none. @returns whether all is found */
  step(before: EpochEnd | null): boolean {
    const begin = before?.endOffset ?? this.#from;
    if (begin < this.#end) {
      this.found.unshift({ leaderEpoch: this.epoch, endOffset: this.#end });
      this.#end = begin;
    }
    if (before === null || begin <= this.#from) return true;
    this.epoch = before.leaderEpoch;
    return false;
  }
}
