import type { Assignment, PartitionPlace, Settlement, StartPoint, StoredRecord, StreamError } from "../../../src/driver/index.ts";
import type { Feed } from "./feed.ts";
import type { Member } from "./member.ts";

/** One ownership of one partition. `assignment` is what the core sees of it. */
export interface Ownership {
  readonly assignment: Assignment;
  readonly feed: Feed;
  /** Aborts when the member must deliver no more of it: it has to be given back, is finished, or was lost. */
  readonly ended: AbortSignal;
}

/** How far a group is in one partition: messages not yet handled, and the age of the oldest. */
export interface PartitionLag {
  readonly partition: string;
  readonly messages: number;
  readonly timeMs: number;
}

/** A group of one topic, on the server: who its members are, what each owns, and how far they are. */
export interface Group {
  readonly members: ReadonlySet<Member>;
  /** Where it stands in each partition. */
  readonly places: ReadonlyMap<string, PartitionPlace>;
  lag(nowMs: number): readonly PartitionLag[];
  /** Has a position: where a member would start is known. */
  readonly started: boolean;
  /** Where `moveTo` would put it, by partition. @throws `position-out-of-range` · `invalid-argument` */
  plan(start: StartPoint): ReadonlyMap<string, PartitionPlace>;
  /** Resolves the start for all partitions at once and stores it. @throws as `plan` */
  moveTo(start: StartPoint): void;
  join(member: Member): void;
  leave(member: Member): void;
  /** Takes the seat of a member that has not been heard of for its session time-out. */
  expire(member: Member): void;
  settle(member: Member, settlement: Settlement): StreamError | null;
  /** Gives records back for another delivery; of no effect where a settlement names a position. */
  release(member: Member, assignment: Assignment, records: readonly StoredRecord[]): void;
  /** The topic's partitions changed, or it was deleted. */
  topicChanged(): void;
  /** Takes a partition from its owner without notice. @returns was there one to take? */
  steal(partition: string | undefined): boolean;
  /** Forgets all members, who have to join again. @returns were there any? */
  dissolve(): boolean;
}
