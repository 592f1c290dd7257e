import type { ConsumerDriver, ConsumerSettings, HandledAhead, PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import type { PartitionLag } from "./broker/partition-lag.ts";
import type { MemoryTopic } from "./broker/topic.ts";

/** A group as the administration shows it. */
export interface GroupState {
  readonly members: number;
  readonly places: ReadonlyMap<string, PartitionPlace>;
  readonly ahead: ReadonlyMap<string, HandledAhead>;
}

/**
 * The groups of the topics, as one form of the provider has them: on its broker, or by leases where the service has none. Groups are known
 * by their native names. Each method is one action.
 */
export interface Groups {
  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver;
  /** Those that have a position or members. */
  names(topic: MemoryTopic, signal: AbortSignal): Promise<readonly string[]>;
  /** @throws `not-found` */
  describe(topic: MemoryTopic, name: string, signal: AbortSignal): Promise<GroupState>;
  /** Where `reset` would put the group. @throws as `reset`, except `conflict` */
  plan(topic: MemoryTopic, name: string, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>>;
  /** Moves the group, or creates it. @throws `conflict` while a member lives · `position-out-of-range` · `invalid-argument` */
  reset(topic: MemoryTopic, name: string, to: StartPoint, signal: AbortSignal): Promise<void>;
  /** @throws `not-found` · `conflict` while a member lives */
  remove(topic: MemoryTopic, name: string, signal: AbortSignal): Promise<void>;
  /**
   * @param initialPosition where a group that has not started would begin; `null`: such a group is `not-found`
   * @throws `not-found`
   */
  lag(topic: MemoryTopic, name: string, initialPosition: StartPoint | null, signal: AbortSignal): Promise<readonly PartitionLag[]>;
}
