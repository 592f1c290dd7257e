import type {
  AdminDriver,
  Capability,
  DriverGroupDescription,
  DriverTopicDescription,
  GroupName,
  Lag,
  LagFigures,
  LagRequest,
  ListedGroup,
  PartitionPlace,
  Permission,
  StartPoint,
  TopicSettings,
} from "../../src/driver/index.ts";
import { memoryError, outcomeUnknown } from "./errors.ts";
import type { Groups } from "./groups.ts";
import type { Service } from "./service.ts";
import { identityOf, requireRetention, topicFor, topicSettings } from "./topic-access.ts";

export class MemoryAdmin implements AdminDriver {
  readonly #service: Service;
  readonly #groups: Groups;

  constructor(service: Service, groups: Groups) {
    this.#service = service;
    this.#groups = groups;
  }

  async #enter(operation: string, topic: string | undefined, signal: AbortSignal): Promise<void> {
    await this.#service.enter({ kind: "admin", operation, topic, partitions: null, bytes: 0 }, signal);
  }

  /** Called when a change has been carried out. A fault may have lost its answer. */
  #answer(operation: string, topic: string): void {
    const lost = this.#service.broker.faults.take({ kind: "answer", topic, partitions: null });
    if (lost.length === 0) return;
    throw outcomeUnknown(`the answer to ${operation} was lost`, { topic });
  }

  #require(capability: Capability, operation: string, capabilities = this.#service.profile.capabilities): void {
    if (!capabilities[capability]) {
      throw memoryError("unsupported", `${operation} needs ${capability}, which this form of the provider does not have`, { capability });
    }
  }

  async createTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    await this.#enter("createTopic", topic, signal);
    this.#require("topicAdmin", "createTopic");
    const { broker, profile } = this.#service;
    requireRetention(profile, settings);
    broker.createTopic(topic, profile, topicSettings(profile, settings));
    this.#answer("createTopic", topic);
  }

  async updateTopic(name: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    await this.#enter("updateTopic", name, signal);
    this.#require("topicAdmin", "updateTopic");
    const topic = topicFor(this.#service, name);
    const { partitions } = settings;
    const capabilities = topic.narrow(this.#service.profile.capabilities);
    if (partitions !== undefined && partitions > topic.open.length) this.#require("partitionGrowth", "more partitions", capabilities);
    if (partitions !== undefined && partitions < topic.open.length) this.#require("partitionMerge", "fewer partitions", capabilities);
    requireRetention(this.#service.profile, settings, topic.retention.retentionMs);
    topic.retain(settings);
    if (partitions !== undefined) topic.resize(partitions);
    this.#answer("updateTopic", name);
  }

  async deleteTopic(topic: string, signal: AbortSignal): Promise<void> {
    await this.#enter("deleteTopic", topic, signal);
    this.#require("topicAdmin", "deleteTopic");
    this.#service.broker.deleteTopic(topic);
    this.#answer("deleteTopic", topic);
  }

  async describeTopic(name: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    await this.#enter("describeTopic", name, signal);
    const topic = topicFor(this.#service, name);
    topic.trim();
    const { broker, profile } = this.#service;
    return {
      identity: identityOf(broker, topic, profile.capabilities),
      partitions: topic.listed.map(({ id }) => id),
      openPartitions: topic.open.length,
      retentionMs: topic.retention.retentionMs,
      maxMessageBytes: profile.capabilities.limits.messageBytes,
    };
  }

  async listTopics(signal: AbortSignal): Promise<readonly string[]> {
    await this.#enter("listTopics", undefined, signal);
    this.#require("topicListing", "listTopics");
    return this.#service.broker.topicNames;
  }

  async listGroups(name: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    await this.#enter("listGroups", name, signal);
    this.#require("groupAdmin", "listGroups");
    const names = await this.#groups.names(topicFor(this.#service, name), signal);
    return names.map((group) => ({ group, nativeGroup: group }));
  }

  async describeGroup(name: string, groupName: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    await this.#enter("describeGroup", name, signal);
    const topic = topicFor(this.#service, name);
    const { members, places, ahead } = await this.#groups.describe(topic, nativeName(groupName), signal);
    const { broker, profile } = this.#service;
    return {
      nativeName: nativeName(groupName),
      members: profile.capabilities.groupMembers ? members : null,
      identity: identityOf(broker, topic, profile.capabilities),
      places: profile.bookmarks === "marks" ? null : places,
      ahead,
    };
  }

  async planReset(name: string, groupName: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    await this.#enter("planReset", name, signal);
    this.#require("groupReset", "resetGroup");
    return this.#groups.plan(topicFor(this.#service, name), nativeName(groupName), to, signal);
  }

  async resetGroup(name: string, groupName: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    await this.#enter("resetGroup", name, signal);
    this.#require("groupReset", "resetGroup");
    await this.#groups.reset(topicFor(this.#service, name), nativeName(groupName), to, signal);
    this.#answer("resetGroup", name);
  }

  async deleteGroup(name: string, groupName: GroupName, signal: AbortSignal): Promise<void> {
    await this.#enter("deleteGroup", name, signal);
    this.#require("groupAdmin", "deleteGroup");
    await this.#groups.remove(topicFor(this.#service, name), nativeName(groupName), signal);
    this.#answer("deleteGroup", name);
  }

  /** The provider has no permissions, so everything that this form of it can do is allowed. */
  async permissions(name: string, _: GroupName | null, signal: AbortSignal): Promise<readonly Permission[]> {
    await this.#enter("permissions", name, signal);
    topicFor(this.#service, name);
    const { topicAdmin, groupAdmin, groupReset } = this.#service.profile.capabilities;
    const operations = [
      "send",
      "consume",
      ...(topicAdmin ? (["createTopic", "updateTopic", "deleteTopic"] as const) : []),
      ...(groupReset ? (["resetGroup"] as const) : []),
      ...(groupAdmin ? (["deleteGroup"] as const) : []),
    ] as const;
    return operations.map((operation) => ({ operation, isAllowed: true, lacking: [] }));
  }

  async lag(name: string, groupName: GroupName, { partitions, initialPosition }: LagRequest, signal: AbortSignal): Promise<Lag> {
    await this.#enter("lag", name, signal);
    const { lagInMessages, lagInTime } = this.#service.profile.capabilities;
    const all = await this.#groups.lag(topicFor(this.#service, name), nativeName(groupName), initialPosition, signal);
    const figures = all.filter(({ partition }) => partitions?.includes(partition) ?? true);
    const reported = ({ messages, timeMs }: { messages: number; timeMs: number }): LagFigures => ({
      messages: lagInMessages ? messages : null,
      timeMs: lagInTime ? timeMs : null,
    });
    const total = figures.reduce(
      (sum, { messages, timeMs }) => ({ messages: sum.messages + messages, timeMs: Math.max(sum.timeMs, timeMs) }),
      {
        messages: 0,
        timeMs: 0,
      },
    );
    return { ...reported(total), partitions: figures.map((figure) => ({ partition: figure.partition, ...reported(figure) })) };
  }
}

function nativeName({ group, nativeGroup }: GroupName): string {
  return nativeGroup ?? group;
}
