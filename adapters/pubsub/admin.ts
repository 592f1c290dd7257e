import type {
  AdminDriver,
  DriverGroupDescription,
  DriverTopicDescription,
  GroupName,
  Lag,
  ListedGroup,
  PartitionPlace,
  Permission,
  StartPoint,
  TopicSettings,
} from "../../src/driver/index.ts";
import { GroupAdmin } from "./admin/group-admin.ts";
import { permissionsOn } from "./admin/permissions.ts";
import { TopicAdmin } from "./admin/topic-admin.ts";
import { pubsubError } from "./errors.ts";
import type { PubSubService } from "./service.ts";

export class PubSubAdmin implements AdminDriver {
  readonly #service: PubSubService;
  readonly #topics: TopicAdmin;
  readonly #groups: GroupAdmin;

  constructor(service: PubSubService) {
    this.#service = service;
    this.#topics = new TopicAdmin(service);
    this.#groups = new GroupAdmin(service);
  }

  createTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    return this.#topics.create(topic, settings, signal);
  }

  updateTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    return this.#topics.update(topic, settings, signal);
  }

  deleteTopic(topic: string, signal: AbortSignal): Promise<void> {
    return this.#topics.delete(topic, signal);
  }

  describeTopic(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    return this.#topics.describe(topic, signal);
  }

  listTopics(signal: AbortSignal): Promise<readonly string[]> {
    return this.#topics.list(signal);
  }

  listGroups(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    return this.#groups.list(topic, signal);
  }

  describeGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    return this.#groups.describe(topic, name, signal);
  }

  planReset(topic: string, _: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#groups.planReset(topic, to, signal);
  }

  resetGroup(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    return this.#groups.reset(topic, name, to, signal);
  }

  deleteGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    return this.#groups.delete(topic, name, signal);
  }

  permissions(topic: string, name: GroupName | null, signal: AbortSignal): Promise<readonly Permission[]> {
    return permissionsOn(this.#service, topic, name, signal);
  }

  async lag(topic: string): Promise<Lag> {
    const text = "Pub/Sub itself reports no lag; Cloud Monitoring has it (subscription/num_undelivered_messages)";
    throw pubsubError("unsupported", text, { topic, capability: "lagInMessages" });
  }
}
