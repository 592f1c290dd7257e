import type {
  AdminDriver,
  Capability,
  DriverGroupDescription,
  DriverTopicDescription,
  GroupName,
  Lag,
  LagRequest,
  ListedGroup,
  PartitionPlace,
  Permission,
  StartPoint,
  StreamError,
} from "../../src/driver/index.ts";
import { GroupAdmin } from "./admin/group-admin.ts";
import { permissionsOn } from "./admin/permissions.ts";
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
    throw byResourceManager(topic);
  }

  async updateTopic(topic: string): Promise<never> {
    throw byResourceManager(topic);
  }

  async deleteTopic(topic: string): Promise<never> {
    throw byResourceManager(topic);
  }

  async listTopics(): Promise<never> {
    throw eventHubsError("unsupported", NOT_LISTED, { capability: "topicListing" });
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

  permissions(topic: string, name: GroupName | null, signal: AbortSignal): Promise<readonly Permission[]> {
    return permissionsOn(this.#service, topic, name, signal);
  }
}

function byResourceManager(topic: string): StreamError {
  return eventHubsError("unsupported", BY_RESOURCE_MANAGER, { topic, capability: "topicAdmin" });
}

const PORTAL = "use the Azure portal, a template, or `az eventhubs eventhub`";
const BY_RESOURCE_MANAGER = `hubs are created, changed and deleted by the resource manager, not with the credentials of a namespace: ${PORTAL}`;
const NOT_LISTED = `hubs cannot be listed with the credentials of a namespace: ${PORTAL}`;

const ADVICE: Readonly<Partial<Record<Capability, string>>> = { topicAdmin: BY_RESOURCE_MANAGER, topicListing: NOT_LISTED };

/** What to do where a capability is missing; `null`: nothing is known. */
export function adviceWithout(capability: Capability): string | null {
  return ADVICE[capability] ?? null;
}
