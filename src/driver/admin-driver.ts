import type { Lag } from "../lag.ts";
import type { HandledAhead } from "../position/handled-ahead.ts";
import type { PartitionPlace, StartPoint } from "../position/place.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { TopicSettings } from "../topic-settings.ts";
import type { Permission } from "./permission.ts";

/** A group as the application calls it and, where it gave one, the provider's own name. */
export interface GroupName {
  readonly group: string;
  readonly nativeGroup: string | undefined;
}

/** A group as the provider has it. */
export interface ListedGroup {
  /** The name by which `GroupName.group` and `ConsumerSettings.group` mean it; `null` where only its native name does. */
  readonly group: string | null;
  readonly nativeGroup: string;
}

/** Which lag is requested. */
export interface LagRequest {
  /** `null`: of all partitions. Names that the topic does not have are left out. */
  readonly partitions: readonly string[] | null;
  /** Where a group that stands nowhere would begin: it is counted from there. `null`: such a group is `not-found`, unless it has members. */
  readonly initialPosition: StartPoint | null;
}

export interface DriverTopicDescription {
  readonly identity: TopicIdentity;
  /** Open ones and, where the service keeps them, closed shards that still hold records. In the provider's order. */
  readonly partitions: readonly string[];
  /** How many of them can be written to, where closed shards are listed too. Absent: all. What `updateTopic` compares with. */
  readonly openPartitions?: number | undefined;
  readonly retentionMs: number | null;
  readonly maxMessageBytes: number;
}

export interface DriverGroupDescription {
  readonly nativeName: string;
  /** How many are alive; `null` without the capability `groupMembers`. */
  readonly members: number | null;
  readonly identity: TopicIdentity;
  /** Where the group stands in each partition, without what is handled ahead; `null` where the provider does not report it. */
  readonly places: ReadonlyMap<string, PartitionPlace> | null;
  /** What is handled ahead of the places, by partition; without those in which nothing is. Absent: the provider does not keep it, or does not report it. */
  readonly ahead?: ReadonlyMap<string, HandledAhead> | undefined;
}

/**
 * Administration. Topic names are the provider's own. Each method is one action, tried once: the core retries it
 * for 30 s while its error is retryable. An attempt of `describeGroup`, `resetGroup` and `deleteGroup` may take 90 s, because it may have to
 * wait until the session of a dead member is over. It resolves when the change can be relied on by the next call (a created topic can be written to).
 * A change that may or may not have been carried out (its answer was lost) is `outcome-unknown` with `retryable: true`, never
 * `unavailable`: only then the core takes `already-exists` of a creation, and `not-found` of a deletion, for the attempt's own work. A
 * creation answers `already-exists` when what exists can be relied on. Called only where the capability that
 * the public method names holds. Values have been checked: partitions and retention are positive integers. A setting that is
 * left out is the provider's default; one that the provider cannot keep is refused as `unsupported` or `invalid-argument`, never
 * ignored.
 */
export interface AdminDriver {
  /** @throws `already-exists` */
  createTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void>;
  /** Growth, shrinking and retention; the core has refused what `mayReorder` guards. @throws `not-found` · `unsupported` */
  updateTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void>;
  /** @throws `not-found` */
  deleteTopic(topic: string, signal: AbortSignal): Promise<void>;
  /** @throws `not-found` */
  describeTopic(topic: string, signal: AbortSignal): Promise<DriverTopicDescription>;
  listTopics(signal: AbortSignal): Promise<readonly string[]>;
  /** Groups that have a position or members on this topic, each once; also those of a former topic of the name that a reset or a deletion must find. */
  listGroups(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]>;
  /** @throws `not-found` */
  describeGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription>;
  /**
   * Where `resetGroup` would put the group, by partition, as exact as the provider can resolve it: computed by the same code, so that
   * what is shown is what is done. Only the partitions that it would store a place for. Changes nothing, and takes no notice of members.
   * @throws as `resetGroup`, except `conflict`
   */
  planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>>;
  /**
   * Creates the group if need be. Which partitions move, and where to, `StartPoint` says. Resolves once for all partitions.
   * @throws `conflict` while any member lives, with the capability `groupMembers` · `position-out-of-range` for a place behind the end, where the provider shows it
   */
  resetGroup(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void>;
  /** @throws `not-found` · `conflict` while any member lives, with the capability `groupMembers` */
  deleteGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<void>;
  /**
   * Counted from the group's place, less what is stored as handled ahead of it (`capabilities.handledAhead`).
   * The sums are the driver's: all messages, and the greatest age. 0 where nothing is left to handle; `null` only where the
   * provider does not report it.
   * @throws `not-found` · `position-out-of-range` where the group stands behind the end of a partition, where the provider shows it
   */
  lag(topic: string, name: GroupName, request: LagRequest, signal: AbortSignal): Promise<Lag>;
  /**
   * What this connection may do with the topic and, where one is named, the group, which need not exist. Changes nothing to find
   * it out. Leave out the operations that the provider does not have; leave out the method where the provider does not report permissions.
   * @throws `not-found` for the topic, where the provider reports it
   */
  permissions?(topic: string, name: GroupName | null, signal: AbortSignal): Promise<readonly Permission[]>;
}
