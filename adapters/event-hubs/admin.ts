import type {
  AdminDriver,
  DriverGroupDescription,
  DriverTopicDescription,
  GroupName,
  Lag,
  LagRequest,
  ListedGroup,
  PartitionPlace,
  StartPoint,
  StreamError,
} from "../../src/driver/index.ts";
import { GroupAdmin } from "./admin/group-admin.ts";
import { MOST_MESSAGE_BYTES } from "./capabilities.ts";
import { eventHubsError } from "./errors.ts";
import type { EventHubsService } from "./service.ts";

export class EventHubsAdmin implements AdminDriver {
  readonly #service: EventHubsService;
  readonly #groups: GroupAdmin;

  constructor(service: EventHubsService) {
    this.#service = service;
    this.#groups = new GroupAdmin(service);
  }

  async createTopic(topic: string): Promise<never> {
    throw byResourceManager("created", topic);
  }

  async updateTopic(topic: string): Promise<never> {
    throw byResourceManager("changed", topic);
  }

  async deleteTopic(topic: string): Promise<never> {
    throw byResourceManager("deleted", topic);
  }

  async listTopics(): Promise<never> {
    const text = "hubs cannot be listed with the credentials of a namespace: use the Azure portal, or `az eventhubs eventhub list`";
    throw eventHubsError("unsupported", text, { capability: "topicListing" });
  }

  /** The service does not tell a data-plane client how long it keeps events. */
  async describeTopic(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    const hub = await this.#service.directory.hubNow(topic, signal);
    return { ...hub, retentionMs: null, maxMessageBytes: MOST_MESSAGE_BYTES };
  }

  listGroups(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    return this.#groups.list(topic, signal);
  }

  describeGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    return this.#groups.describe(topic, name, signal);
  }

  planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#groups.planReset(topic, name, to, signal);
  }

  resetGroup(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    return this.#groups.reset(topic, name, to, signal);
  }

  deleteGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    return this.#groups.delete(topic, name, signal);
  }

  lag(topic: string, name: GroupName, request: LagRequest, signal: AbortSignal): Promise<Lag> {
    return this.#groups.lag(topic, name, request, signal);
  }
}

function byResourceManager(what: string, topic: string): StreamError {
  const text = `hubs are ${what} by the resource manager, not with the credentials of a namespace: use the Azure portal, a template, or \`az eventhubs eventhub\``;
  return eventHubsError("unsupported", text, { topic, capability: "topicAdmin" });
}
