import type { Assignment } from "../../../src/driver/index.ts";
import { type EpochEnd, UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import { type AheadOffsets } from "./commit-metadata.ts";
import { distancesWithin } from "./handled-distances.ts";
import type { CommittedPlace, StoredCommit } from "./group-offsets.ts";

/** An ownership that is over. If the member gets the partition back and nobody has settled or moved the group meanwhile, it is resumed. */
export class FormerOwnership {
  readonly assignment: Assignment;
  readonly #commits: readonly StoredCommit[];
  readonly #epochs: readonly EpochEnd[];

  /**
   * @param commits what the group may have stored under this ownership last
   * @param epochs the leader epochs of what was handled or read, or had been handled before
   */
  constructor(assignment: Assignment, commits: readonly StoredCommit[], epochs: readonly EpochEnd[]) {
    this.assignment = assignment;
    this.#commits = commits;
    this.#epochs = epochs;
  }

  /** Has the group stored exactly what this ownership read or stored last? Every reset, and every member, leaves another note or offset. */
  isAt({ note, stored }: CommittedPlace): boolean {
    if (note === null) return false;
    const { offset, leaderEpoch, metadata } = stored;
    return this.#commits.some((commit) => commit.offset === offset && commit.leaderEpoch === leaderEpoch && commit.metadata === metadata);
  }

  /** The leader epochs that must still be in the log after the offset. */
  epochsAfter(offset: bigint): readonly EpochEnd[] {
    return this.#epochs.filter(({ endOffset }) => endOffset > offset);
  }
}

/**
 * The part of what is stored that a former ownership does not contradict: it may have read another log there after that was stored.
 * @param known the leader epochs as the former ownership knew them
 */
export function consistentAhead(offset: bigint, ahead: AheadOffsets | null, known: readonly EpochEnd[]): AheadOffsets | null {
  if (ahead === null) return null;
  const differing = firstDifference(offset, ahead.epochs, known);
  if (differing === null) return ahead;
  const within = distancesWithin(ahead, Number(differing - offset));
  return within === null ? null : { ...within, epochs: ahead.epochs };
}

function firstDifference(offset: bigint, stored: readonly EpochEnd[], known: readonly EpochEnd[]): bigint | null {
  let begin = offset;
  for (const { leaderEpoch, endOffset } of stored) {
    while (begin < endOffset) {
      const here = known.find((end) => end.endOffset > begin) ?? { leaderEpoch: UNKNOWN_EPOCH, endOffset };
      if (here.leaderEpoch !== leaderEpoch) return begin;
      begin = here.endOffset < endOffset ? here.endOffset : endOffset;
    }
  }
  return null;
}
