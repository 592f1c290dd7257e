import { reachPart } from "../../src/adapter-kit/index.ts";
import type {
  AdminDriver,
  Capabilities,
  Capability,
  ConsumerDriver,
  ConsumerSettings,
  Driver,
  GroupName,
  OpenContext,
  ProducerDriver,
  ProviderDriver,
  ReachedPart,
  ReaderDriver,
  StreamError,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { EventHubsAdmin, adviceWithout } from "./admin.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { HubClients } from "./client/hub-clients.ts";
import { EventHubsConsumer } from "./consumer.ts";
import { classify, isCoded } from "./errors.ts";
import { BlobCalls } from "./group/blob-calls.ts";
import { openContainer } from "./group/container.ts";
import { ContainerGroups, MemoryGroups, NoGroups } from "./group/group-stores.ts";
import { OffsetSearch } from "./group/offset-search.ts";
import { HubDirectory } from "./hubs/hub-directory.ts";
import { refuseGroupName, refuseTopicName } from "./hub-name.ts";
import type { EventHubsOptions } from "./options.ts";
import { EventHubsProducer } from "./producer.ts";
import { EventSizes } from "./read/event-sizes.ts";
import { RemovedTails } from "./read/removed-tails.ts";
import { eventHubsReader } from "./reader.ts";
import { comparePositions, parsePosition } from "./records.ts";
import type { EventHubsService, GroupStores } from "./service.ts";

const PROVIDER = "event-hubs";
const READER_GROUP = "$Default";
/** A hub that need not exist: the service answers whether it does only to who is allowed in. */
const PROBED_HUB = "streamport-check";
const PACE = { watchMs: 1_000, silenceMs: 400 };
/** An emulator is near, and costs nothing. */
const EMULATOR_PACE = { watchMs: 100, silenceMs: 100 };
const BLOBS_ADVICE =
  "groups are kept there: check `checkpoints`, and that the credentials may read and write blobs in it (Storage Blob Data Contributor)";

/** The capabilities that are true. */
export type EventHubsCapability = { [C in Capability]: (typeof CAPABILITIES)[C] extends true ? C : never }[Capability];

export class EventHubsDriver implements Driver<EventHubsCapability> {
  readonly specVersion = 1;
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly #options: EventHubsOptions;
  /** Of all connections. */
  readonly #memoryGroups = new MemoryGroups();

  constructor(options: EventHubsOptions) {
    this.#options = options;
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  refuseGroupName(name: GroupName): string | null {
    return refuseGroupName(name);
  }

  open({ report }: OpenContext): ProviderDriver {
    const { checkpoints, readerGroup = READER_GROUP, developmentEmulator = false } = this.#options;
    const clients = new HubClients(this.#options);
    const closing = new AbortController();
    const directory = new HubDirectory(clients, report, closing.signal);
    const blobs = this.#blobs(clients, checkpoints, report);
    const pace = developmentEmulator ? EMULATOR_PACE : PACE;
    const offsets = new OffsetSearch({ clients, directory, readerGroup, turnMs: pace.silenceMs });
    const withoutBlobs: GroupStores = checkpoints === "memory" ? this.#memoryGroups : new NoGroups();
    const groups = blobs === null ? withoutBlobs : new ContainerGroups(blobs, clients.address.host, offsets);
    const removedTails = new RemovedTails(clients, readerGroup, pace.silenceMs, report);
    const eventSizes = new EventSizes();
    const service = { clients, directory, report, readerGroup, groups, blobs, removedTails, eventSizes, ...pace };
    return new OpenEventHubsDriver(service, closing);
  }

  #blobs(clients: HubClients, checkpoints: EventHubsOptions["checkpoints"], report: OpenContext["report"]): BlobCalls | null {
    if (checkpoints === undefined || checkpoints === "memory") return null;
    let container: ReturnType<typeof openContainer> | null = null;
    const open = (): ReturnType<typeof openContainer> => {
      container ??= openContainer(checkpoints, clients.credentials);
      return container;
    };
    return new BlobCalls(open, report);
  }
}

/** One connection to a namespace. */
class OpenEventHubsDriver implements ProviderDriver {
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly admin: AdminDriver;
  readonly #service: EventHubsService;
  readonly #closing: AbortController;

  constructor(service: EventHubsService, closing: AbortController) {
    this.#service = service;
    this.#closing = closing;
    this.admin = new EventHubsAdmin(service);
  }

  /** The service has no request without a hub. One that does not exist is an answer, too. */
  async check(signal: AbortSignal): Promise<void> {
    const { clients, directory } = this.#service;
    const hub = clients.address.onlyHub ?? PROBED_HUB;
    try {
      await directory.hubNow(hub, signal);
    } catch (error) {
      if (hub !== PROBED_HUB || !isCoded(error, "MessagingEntityNotFoundError")) throw error;
    }
  }

  /** Groups need Blob Storage, which has an address of its own. */
  async reach(signal: AbortSignal): Promise<readonly ReachedPart[]> {
    await this.check(signal);
    const { blobs } = this.#service;
    if (blobs === null) return [];
    const check = async (attempt: AbortSignal) => blobs.check(attempt);
    return [await reachPart({ name: "Blob Storage, for groups", advice: BLOBS_ADVICE, classify, check }, signal)];
  }

  adviceWithout(capability: Capability): string | null {
    return adviceWithout(capability);
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    await this.#service.directory.hub(topic, signal);
    return CAPABILITIES;
  }

  async identity(topic: string, signal: AbortSignal): Promise<TopicIdentity> {
    return (await this.#service.directory.hub(topic, signal)).identity;
  }

  producer(topic: string): ProducerDriver {
    return new EventHubsProducer(this.#service, topic);
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return new EventHubsConsumer(this.#service, topic, settings);
  }

  reader(topic: string): ReaderDriver {
    return eventHubsReader(this.#service, topic);
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }

  isFirst(position: string): boolean {
    return parsePosition(position).sequenceNumber === 0;
  }

  classify(error: unknown): StreamError {
    return classify(error);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#service.clients.close();
  }
}
