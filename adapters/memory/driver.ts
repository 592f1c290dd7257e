import { SourceReader } from "../../src/adapter-kit/index.ts";
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
  ReaderDriver,
  StreamError,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { MemoryAdmin } from "./admin.ts";
import type { MemoryBroker } from "./broker/broker.ts";
import { comparePositions } from "./broker/positions.ts";
import { BrokerGroups } from "./broker-groups.ts";
import { classify } from "./errors.ts";
import { refuseGroupName } from "./group-name.ts";
import type { Groups } from "./groups.ts";
import { LeaseGroups } from "./lease-groups.ts";
import { MemoryProducer } from "./producer.ts";
import type { Profile } from "./profiles.ts";
import { Service } from "./service.ts";
import { MemorySource } from "./source.ts";
import { SubscriptionReader } from "./subscription-reader.ts";
import { identityOf, topicFor } from "./topic-access.ts";
import { refuseTopicName } from "./topic-name.ts";

const PROVIDER = "memory";
/** How long a reader may not know of a new partition. */
const DESCRIBE_MS = 50;

/** A broker in this process, with the form that it takes. */
export class MemoryDriver implements Driver<Capability> {
  readonly specVersion = 1;
  readonly provider = PROVIDER;
  readonly capabilities: Capabilities & { readonly [C in Capability]: true };
  readonly #broker: () => MemoryBroker;
  readonly #profile: Profile;
  readonly #delayMs: number;

  /** @param broker that of a new connection */
  constructor(broker: () => MemoryBroker, profile: Profile, delayMs: number) {
    this.#broker = broker;
    this.#profile = profile;
    this.#delayMs = delayMs;
    // The type describes the provider's own form; with `like` and `without` only the object says what holds, as for a URL.
    this.capabilities = profile.capabilities as Capabilities & { readonly [C in Capability]: true };
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  refuseGroupName(name: GroupName): string | null {
    return refuseGroupName(name);
  }

  open({ report }: OpenContext): ProviderDriver {
    return new OpenMemoryDriver(new Service(this.#broker(), this.#profile, this.#delayMs, report));
  }
}

/** One connection to a broker in this process. */
class OpenMemoryDriver implements ProviderDriver {
  readonly provider = PROVIDER;
  readonly capabilities: Capabilities;
  readonly admin: AdminDriver;
  readonly #service: Service;
  readonly #groups: Groups;

  constructor(service: Service) {
    this.#service = service;
    this.capabilities = service.profile.capabilities;
    this.#groups = service.profile.groups === "leases" ? new LeaseGroups(service) : new BrokerGroups(service);
    this.admin = new MemoryAdmin(service, this.#groups);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#enter("check", undefined, signal);
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    await this.#enter("describeTopic", topic, signal);
    return topicFor(this.#service, topic).narrow(this.capabilities);
  }

  async identity(topic: string, signal: AbortSignal): Promise<TopicIdentity> {
    await this.#enter("describeTopic", topic, signal);
    return identityOf(this.#service.broker, topicFor(this.#service, topic), this.capabilities);
  }

  async #enter(operation: string, topic: string | undefined, signal: AbortSignal): Promise<void> {
    await this.#service.enter({ kind: "admin", operation, topic, partitions: null, bytes: 0 }, signal);
  }

  producer(topic: string): ProducerDriver {
    return new MemoryProducer(this.#service, topic);
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return this.#groups.consumer(topic, settings);
  }

  reader(topic: string): ReaderDriver {
    const { bookmarks, capabilities } = this.#service.profile;
    if (bookmarks === "marks") return new SubscriptionReader(this.#service, topic);
    return new SourceReader({
      provider: PROVIDER,
      topic,
      source: new MemorySource(this.#service, topic, "all"),
      readerEnd: capabilities.readerEnd,
      describeMs: DESCRIBE_MS,
      retry: this.#service.retrySettings(topic),
    });
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }

  classify(error: unknown): StreamError {
    return classify(error);
  }

  /** Producers, consumers and readers are closed before; the connection itself holds nothing open. */
  async close(): Promise<void> {}
}
