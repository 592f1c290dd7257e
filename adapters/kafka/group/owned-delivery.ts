import type { Assignment, HandledAhead } from "../../../src/driver/index.ts";
import type { FetchCursor } from "../fetch/fetch-cursor.ts";
import type { LogPlace } from "../fetch/read-epochs.ts";
import { toOffset } from "../records.ts";
import { aheadOffsets } from "./ahead-positions.ts";
import { newNote } from "./commit-metadata.ts";
import { FormerOwnership } from "./former-ownership.ts";
import type { CommittedPlace, PlaceToCommit, StoredCommit } from "./group-offsets.ts";

/** After more commits of unknown outcome than this, the oldest ones are not recognised if the group has stored them. */
const MAX_UNCERTAIN_COMMITS = 32;

/** An assignment that gives up its former one when it is over. */
export type ResumingAssignment = Assignment & { resumes: Assignment | null };

/** The delivery of an owned partition to the sink, and what the group has stored of its progress. */
export class OwnedDelivery {
  readonly assignment: ResumingAssignment;
  /** Fetches for the assignment. */
  readonly cursor: FetchCursor;
  /** The note of all commits of this ownership. */
  readonly #note: string;
  /** The place that the group has stored last under this ownership, or read at its start. */
  #settled: LogPlace;
  #hasStoredAhead: boolean;
  /** What the group may have stored: the last commit that is certain, and after it those whose outcome is not known. */
  #commits: readonly StoredCommit[];

  /** @param place where the group stands */
  constructor(assignment: ResumingAssignment, cursor: FetchCursor, place: CommittedPlace) {
    this.assignment = assignment;
    this.cursor = cursor;
    this.#settled = place;
    this.#hasStoredAhead = place.ahead !== null;
    // A group can reach the same offset twice, before and after another client moves it. Without a note, the two are not told apart.
    this.#note = place.note ?? newNote();
    this.#commits = place.note === null ? [] : [place.stored];
  }

  /**
   * What to commit.
   * @param through the last position of the prefix that is handled; `null`: the place does not change
   * @param ahead what is handled after it
   * @returns `null`: nothing changes
   */
  toCommit(through: string | null, ahead: HandledAhead | null): PlaceToCommit | null {
    const { offset, leaderEpoch } = through === null ? this.#settled : this.cursor.epochs.placeAt(toOffset(through) + 1n);
    const handled = ahead === null ? null : aheadOffsets(ahead, offset, this.cursor.knownEpochs(offset, toOffset(ahead.upTo) + 1n));
    if (through === null && handled === null && !this.#hasStoredAhead) return null;
    return { offset, leaderEpoch, note: this.#note, ahead: handled };
  }

  /** This commit is about to be sent. Until one is known to be stored, all of them may be: also an error does not prove the contrary. */
  sending(commit: StoredCommit): void {
    this.#commits = [...this.#commits.slice(-MAX_UNCERTAIN_COMMITS), commit];
  }

  /** The group has stored the place, in this form. */
  stored({ offset, leaderEpoch, ahead }: PlaceToCommit, commit: StoredCommit): void {
    this.#commits = [commit];
    this.#settled = { offset, leaderEpoch };
    this.#hasStoredAhead = ahead !== undefined && ahead !== null;
    this.cursor.epochs.forgetBefore(offset);
  }

  /** Ends the ownership. @returns what the next ownership of the partition by this member has to know */
  end(): FormerOwnership {
    // A member that often loses and resumes would keep all its ownerships otherwise.
    this.assignment.resumes = null;
    return new FormerOwnership(this.assignment, this.#commits, this.cursor.epochsAfter(-1n));
  }
}
