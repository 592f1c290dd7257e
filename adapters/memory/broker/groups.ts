import type { Profile } from "../profiles.ts";
import type { Group } from "./group.ts";
import { PositionGroup } from "./position-group.ts";
import { RecordGroup } from "./record-group.ts";
import type { MemoryTopic } from "./topic.ts";

/** Creates a group of the kind that this form of the provider has. */
export function createGroup({ settlementUnit, capabilities }: Profile, topic: MemoryTopic): Group {
  if (settlementUnit === "record") return new RecordGroup(topic);
  return new PositionGroup(topic, capabilities);
}
