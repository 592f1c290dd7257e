import type { ConsumerDriver, ConsumerSettings, PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import type { Group } from "./broker/group.ts";
import { createGroup } from "./broker/groups.ts";
import type { PartitionLag } from "./broker/partition-lag.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { MemoryConsumer } from "./consumer.ts";
import { groupNotFound, memoryError } from "./errors.ts";
import type { GroupState, Groups } from "./groups.ts";
import type { Service } from "./service.ts";

/** Groups that the broker has: it assigns partitions, or records, to members. */
export class BrokerGroups implements Groups {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return new MemoryConsumer(this.#service, topic, settings);
  }

  async names(topic: MemoryTopic): Promise<readonly string[]> {
    return [...topic.groups.keys()];
  }

  async describe(topic: MemoryTopic, name: string): Promise<GroupState> {
    const { members, places, ahead } = requireGroup(topic, name);
    return { members: members.size, places, ahead };
  }

  async plan(topic: MemoryTopic, name: string, to: StartPoint): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#orNew(topic, name).plan(to);
  }

  async reset(topic: MemoryTopic, name: string, to: StartPoint): Promise<void> {
    const group = this.#orNew(topic, name);
    this.#requireNoMembers(topic, name, group);
    group.moveTo(to);
    topic.groups.set(name, group);
  }

  async remove(topic: MemoryTopic, name: string): Promise<void> {
    const group = requireGroup(topic, name);
    this.#requireNoMembers(topic, name, group);
    topic.groups.delete(name);
    group.deleted(groupNotFound(topic.name, name));
  }

  #orNew(topic: MemoryTopic, name: string): Group {
    return topic.groups.get(name) ?? createGroup(this.#service.profile, topic);
  }

  /** Where members are not known, the caller has to make sure that none is left. */
  #requireNoMembers(topic: MemoryTopic, name: string, group: Group): void {
    if (group.members.size === 0 || !this.#service.profile.capabilities.groupMembers) return;
    throw memoryError("conflict", `group ${JSON.stringify(name)} has ${group.members.size} members; none may be left`, {
      topic: topic.name,
    });
  }

  async lag(topic: MemoryTopic, name: string, initialPosition: StartPoint | null): Promise<readonly PartitionLag[]> {
    const group = initialPosition === null ? requireGroup(topic, name) : this.#started(topic, name, initialPosition);
    return group.lag(Date.now());
  }

  /** The group. When it has not started, a group that begins there and is not kept. */
  #started(topic: MemoryTopic, name: string, initialPosition: StartPoint): Group {
    const group = topic.groups.get(name);
    if (group?.started === true) return group;
    const begun = createGroup(this.#service.profile, topic);
    begun.moveTo(initialPosition);
    return begun;
  }
}

function requireGroup(topic: MemoryTopic, name: string): Group {
  const group = topic.groups.get(name);
  if (group === undefined) throw groupNotFound(topic.name, name);
  return group;
}
