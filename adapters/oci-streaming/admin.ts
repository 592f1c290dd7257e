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
import { StreamAdmin } from "./admin/stream-admin.ts";
import { ociError } from "./errors.ts";
import type { OciService } from "./service.ts";

export class OciAdmin implements AdminDriver {
  readonly #service: OciService;
  readonly #streams: StreamAdmin;
  readonly #groups: GroupAdmin;

  constructor(service: OciService) {
    this.#service = service;
    this.#streams = new StreamAdmin(service);
    this.#groups = new GroupAdmin(service);
  }

  createTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    return this.#streams.create(topic, settings, signal);
  }

  updateTopic(topic: string, settings: TopicSettings, signal: AbortSignal): Promise<void> {
    return this.#streams.update(topic, settings, signal);
  }

  deleteTopic(topic: string, signal: AbortSignal): Promise<void> {
    return this.#streams.delete(topic, signal);
  }

  describeTopic(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    return this.#streams.describe(topic, signal);
  }

  listTopics(signal: AbortSignal): Promise<readonly string[]> {
    return this.#streams.list(signal);
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
    return permissionsOn(this.#service, topic, name, signal);
  }

  /** The service shows neither the end of a partition nor how old its messages are. */
  async lag(topic: string): Promise<Lag> {
    throw ociError("unsupported", "OCI Streaming reports no lag", { topic, capability: "lagInMessages" });
  }
}
