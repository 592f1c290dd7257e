import type {
  Assignment,
  HandledAhead,
  PartitionPlace,
  Settlement,
  StartPoint,
  StoredRecord,
  StreamError,
} from "../../../src/driver/index.ts";
import type { Feed } from "./feed.ts";
import type { Member } from "./member.ts";
import type { PartitionLag } from "./partition-lag.ts";

/** One ownership of one partition. The core sees its `assignment`. */
export interface Ownership {
  readonly assignment: Assignment;
  readonly feed: Feed;
  /** Aborts when the member must not deliver more of it: the partition is revoked, finished or lost. */
  readonly ended: AbortSignal;
}

/** A group of one topic, on the server: its members, the partitions of each, and their progress. */
export interface Group {
  readonly members: ReadonlySet<Member>;
  /** Its place in each partition. */
  readonly places: ReadonlyMap<string, PartitionPlace>;
  /** What is handled ahead of the places, where something is. */
  readonly ahead: ReadonlyMap<string, HandledAhead>;
  lag(nowMs: number): readonly PartitionLag[];
  /** Whether the group has a position, so that the start of a member is known. */
  readonly started: boolean;
  /** The place in each partition to which `moveTo` would move the group. @throws `position-out-of-range` · `invalid-argument` */
  plan(start: StartPoint): ReadonlyMap<string, PartitionPlace>;
  /** Resolves the start for all partitions at once and stores it. Members that are there go on from it. @throws as `plan` */
  moveTo(start: StartPoint): void;
  join(member: Member): void;
  leave(member: Member): void;
  /** Removes a member whose session has timed out. */
  expire(member: Member): void;
  settle(member: Member, settlement: Settlement): StreamError | null;
  /** Releases records for another delivery. It has no effect in a group whose settlements name a position. */
  release(member: Member, assignment: Assignment, records: readonly StoredRecord[]): void;
  /** The group is deleted: the members that it still has fail with this error. */
  deleted(error: StreamError): void;
  /** The topic's partitions have changed, or the topic was deleted. */
  topicChanged(): void;
  /** Takes a partition from its owner without notice. @returns whether the group had one to take */
  steal(partition: string | undefined): boolean;
  /** Removes all members, which have to join again. @returns whether the group had any */
  dissolve(): boolean;
}
