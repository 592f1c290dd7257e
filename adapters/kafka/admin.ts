import type {
  AdminDriver,
  DriverGroupDescription,
  DriverTopicDescription,
  GroupName,
  Lag,
  StartPoint,
  TopicSettings,
} from "../../src/driver/index.ts";
import { GroupAdmin } from "./group-admin.ts";
import type { KafkaService } from "./service.ts";
import { TopicAdmin } from "./topic-admin.ts";

export class KafkaAdmin implements AdminDriver {
  readonly #topics: TopicAdmin;
  readonly #groups: GroupAdmin;

  constructor(service: KafkaService) {
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

  listGroups(topic: string, signal: AbortSignal): Promise<readonly { readonly group: string; readonly nativeGroup: string }[]> {
    return this.#groups.list(topic, signal);
  }

  describeGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    return this.#groups.describe(topic, name, signal);
  }

  resetGroup(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    return this.#groups.reset(topic, name, to, signal);
  }

  deleteGroup(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    return this.#groups.delete(topic, name, signal);
  }

  lag(topic: string, name: GroupName, signal: AbortSignal): Promise<Lag> {
    return this.#groups.lag(topic, name, signal);
  }
}
