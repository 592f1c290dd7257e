import type { CallOptions } from "../call-options.ts";
import type { Capabilities, Capability } from "../capabilities.ts";
import type { Lag } from "../lag.ts";
import type { From } from "../position/range-types.ts";
import type { Bookmark } from "../tokens.ts";
import type { TopicSettings } from "../topic-settings.ts";

/**
 * Calls are retried with back-off for 30 s while the provider cannot be reached; then they reject with the last failure. A creation or
 * deletion whose answer was lost resolves when a retry finds it carried out. A call with a `this` type needs that capability, by
 * `connect(…, { require })` or from a factory's driver; without it the call is `unsupported` at run time.
 */
export interface Admin<Granted extends Capability = never> {
  /** Those of the connection. */
  readonly capabilities: Capabilities & { readonly [C in Granted]: true };
  /** @throws `already-exists` */
  createTopic(this: Admin<"topicAdmin">, topic: string, settings?: TopicSettings, options?: CallOptions): Promise<void>;
  /** More partitions move keys where `growthKeepsKeyOrder` is false: refused there without `mayReorder`. */
  updateTopic(
    this: Admin<"topicAdmin">,
    topic: string,
    settings: TopicSettings & { mayReorder?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void>;
  deleteTopic(this: Admin<"topicAdmin">, topic: string, options?: CallOptions): Promise<void>;
  describeTopic(topic: string, options?: CallOptions): Promise<TopicDescription>;
  listTopics(this: Admin<"topicListing">, options?: CallOptions): Promise<readonly string[]>;
  listGroups(this: Admin<"groupAdmin">, topic: string, options?: CallOptions): Promise<readonly string[]>;
  describeGroup(topic: string, group: string, options?: CallOptions): Promise<GroupDescription>;
  /** Creates the group where it does not exist (Event Hubs: `not-found`, the service has no call for it). A position moves its own partition only; partitions that a bookmark does not list start at their beginning. @throws `conflict` while the group has members (`capabilities.groupMembers`) */
  resetGroup(this: Admin<"groupReset">, topic: string, group: string, to: From, options?: CallOptions): Promise<void>;
  /** @throws `conflict` while the group has members (`capabilities.groupMembers`) */
  deleteGroup(this: Admin<"groupAdmin">, topic: string, group: string, options?: CallOptions): Promise<void>;
  lag(this: Admin<"lagInMessages"> | Admin<"lagInTime">, topic: string, group: string, options?: CallOptions): Promise<Lag>;
}

export interface TopicDescription {
  readonly name: string;
  readonly nativeName: string;
  readonly partitions: readonly string[];
  /** `null`: unlimited or not reported. */
  readonly retentionMs: number | null;
  readonly maxMessageBytes: number;
}

export interface GroupDescription {
  readonly name: string;
  readonly nativeName: string;
  /** `null` where the provider does not report it. */
  readonly members: number | null;
  /** Where the group stands: everything before it has been handled. What is handled ahead of it is not named here; `lag` leaves it out. `null` where the provider does not report it. */
  readonly bookmark: Bookmark | null;
}
