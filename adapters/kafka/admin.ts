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
import { boundedCall } from "./bounded-call.ts";
import { GroupAdmin } from "./group-admin.ts";
import { permissionsOn } from "./permissions.ts";
import type { KafkaService } from "./service.ts";
import { TopicAdmin } from "./topic-admin.ts";

/** A coordinator that moves or loads is waited for, but not longer. */
const GROUP_CALL_MS = 30_000;

export class KafkaAdmin implements AdminDriver {
  readonly #service: KafkaService;
  readonly #topics: TopicAdmin;
  readonly #groupCallMs: number;

  constructor(service: KafkaService, groupCallMs = GROUP_CALL_MS) {
    this.#service = service;
    this.#topics = new TopicAdmin(service);
    this.#groupCallMs = groupCallMs;
  }

  #onGroups<T>(signal: AbortSignal, call: (groups: GroupAdmin, signal: AbortSignal) => Promise<T>): Promise<T> {
    return boundedCall(this.#service, this.#groupCallMs, signal, (service, patience) => call(new GroupAdmin(service), patience));
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
    return this.#onGroups(signal, (groups, patience) => groups.list(topic, patience));
  }

  describeGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    return this.#onGroups(signal, (groups, patience) => groups.describe(topic, name, patience));
  }

  planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#onGroups(signal, (groups, patience) => groups.planReset(topic, name, to, patience));
  }

  resetGroup(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    return this.#onGroups(signal, (groups, patience) => groups.reset(topic, name, to, patience));
  }

  deleteGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    return this.#onGroups(signal, (groups, patience) => groups.delete(topic, name, patience));
  }

  permissions(topic: string, name: GroupName | null, signal: AbortSignal): Promise<readonly Permission[]> {
    return boundedCall(this.#service, this.#groupCallMs, signal, (service, patience) => permissionsOn(service, topic, name, patience));
  }

  lag(topic: string, name: GroupName, request: LagRequest, signal: AbortSignal): Promise<Lag> {
    return this.#onGroups(signal, (groups, patience) => groups.lag(topic, name, request, patience));
  }
}
