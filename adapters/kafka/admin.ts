import type {
  AdminDriver,
  DriverGroupDescription,
  DriverTopicDescription,
  GroupName,
  Lag,
  LagRequest,
  ListedGroup,
  PartitionPlace,
  Permission,
  StartPoint,
  TopicSettings,
} from "../../src/driver/index.ts";
import { boundedCall } from "./admin/bounded-call.ts";
import { GroupAdmin } from "./admin/group-admin.ts";
import { permissionsOn } from "./admin/permissions.ts";
import { TopicAdmin } from "./admin/topic-admin.ts";
import type { KafkaService } from "./service.ts";

/** The limit of the wait for a coordinator that moves or loads. The doctor asks only once. */
const PERMISSIONS_MS = 5_000;

export class KafkaAdmin implements AdminDriver {
  readonly #service: KafkaService;
  readonly #topics: TopicAdmin;
  readonly #groups: GroupAdmin;

  constructor(service: KafkaService) {
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

  planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#groups.planReset(topic, name, to, signal);
  }

  resetGroup(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    return this.#groups.reset(topic, name, to, signal);
  }

  deleteGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    return this.#groups.delete(topic, name, signal);
  }

  permissions(topic: string, name: GroupName | null, signal: AbortSignal): Promise<readonly Permission[]> {
    return boundedCall(this.#service, PERMISSIONS_MS, signal, (service, timeLimit) => permissionsOn(service, topic, name, timeLimit));
  }

  lag(topic: string, name: GroupName, request: LagRequest, signal: AbortSignal): Promise<Lag> {
    return this.#groups.lag(topic, name, request, signal);
  }
}
