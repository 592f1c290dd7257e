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
import { OciAdmin } from "./admin.ts";
import { CAPABILITIES, capabilitiesOf } from "./capabilities.ts";
import { Authentication } from "./client/authentication.ts";
import { Endpoints } from "./client/endpoints.ts";
import { ServiceCalls } from "./client/service-calls.ts";
import { StreamCalls } from "./client/stream-calls.ts";
import { OciConsumer } from "./consumer.ts";
import { classify } from "./errors.ts";
import { BucketGroups, MemoryGroups, NoGroups } from "./group/group-stores.ts";
import { ObjectCalls } from "./group/object-calls.ts";
import type { OciStreamingOptions } from "./options.ts";
import { OciProducer } from "./producer.ts";
import { ReadBudget } from "./read/read-budget.ts";
import { ociReader } from "./reader.ts";
import { comparePositions } from "./records.ts";
import type { GroupStores, OciService } from "./service.ts";
import { refuseGroupName, refuseTopicName } from "./stream-name.ts";
import { StreamDirectory } from "./streams/stream-directory.ts";

const PROVIDER = "oci-streaming";
const POLL_MS = 1_000;
const DESCRIBED_MS = 1_000;
const OBJECTS_ADVICE =
  "groups are kept there: check leases.namespace and leases.bucket, leaseEndpoint, and the policy that lets these credentials manage its objects";

/** The capabilities that are true. */
export type OciCapability = { [C in Capability]: (typeof CAPABILITIES)[C] extends true ? C : never }[Capability];

export class OciStreamingDriver implements Driver<OciCapability> {
  readonly specVersion = 1;
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly #options: OciStreamingOptions;
  /** Of all connections. */
  readonly #memoryGroups = new MemoryGroups();

  constructor(options: OciStreamingOptions) {
    this.#options = options;
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  refuseGroupName(name: GroupName): string | null {
    return refuseGroupName(name);
  }

  open({ report }: OpenContext): ProviderDriver {
    const { pollMs = POLL_MS, streamPool, envelope = "frame" } = this.#options;
    const calls = new ServiceCalls(new Authentication(this.#options), report);
    const endpoints = new Endpoints(this.#options);
    const admin = new StreamCalls(calls, () => endpoints.streaming());
    const closing = new AbortController();
    const directory = new StreamDirectory(admin, streamPool, DESCRIBED_MS, closing.signal);
    const objects = this.#objects(calls, endpoints);
    const groups = this.#groups(objects);
    const service = { calls, admin, directory, budget: new ReadBudget(pollMs), report, pollMs, envelope, streamPool, groups, objects };
    return new OpenOciDriver(service, closing);
  }

  #objects(calls: ServiceCalls, endpoints: Endpoints): ObjectCalls | null {
    const { leases } = this.#options;
    return typeof leases === "object" ? new ObjectCalls(calls, () => endpoints.objects(), leases) : null;
  }

  #groups(objects: ObjectCalls | null): GroupStores {
    if (objects !== null) return new BucketGroups(objects);
    return this.#options.leases === "memory" ? this.#memoryGroups : new NoGroups();
  }
}

/** One connection to a stream pool. */
class OpenOciDriver implements ProviderDriver {
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly admin: AdminDriver;
  readonly #service: OciService;
  readonly #closing: AbortController;

  constructor(service: OciService, closing: AbortController) {
    this.#service = service;
    this.#closing = closing;
    this.admin = new OciAdmin(service);
  }

  async check(signal: AbortSignal): Promise<void> {
    const query = { streamPoolId: this.#service.streamPool, limit: "1" };
    await this.#service.admin.send({ operation: "ListStreams", method: "GET", path: "/streams", query }, signal);
  }

  /** Groups need Object Storage, which has an address of its own. */
  async reach(signal: AbortSignal): Promise<readonly ReachedPart[]> {
    await this.check(signal);
    const { objects } = this.#service;
    if (objects === null) return [];
    const check = async (attempt: AbortSignal) => objects.check(attempt);
    return [await reachPart({ name: "Object Storage, for groups", advice: OBJECTS_ADVICE, classify, check }, signal)];
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    await this.#service.directory.usable(topic, signal);
    return capabilitiesOf(this.#service.envelope);
  }

  async identity(topic: string, signal: AbortSignal): Promise<TopicIdentity> {
    return (await this.#service.directory.usable(topic, signal)).identity;
  }

  producer(topic: string): ProducerDriver {
    return new OciProducer(this.#service, topic);
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return new OciConsumer(this.#service, topic, settings);
  }

  reader(topic: string): ReaderDriver {
    return ociReader(this.#service, topic);
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }

  classify(error: unknown): StreamError {
    return classify(error);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#service.calls.close();
  }
}
