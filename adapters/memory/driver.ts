import {
  type AdminDriver,
  type Capabilities,
  type Capability,
  type ConsumerDriver,
  type ConsumerSettings,
  type OpenContext,
  type ProducerDriver,
  type ProviderDriver,
  type ReaderDriver,
  StreamError,
  type TopicIdentity,
} from "../../src/driver/index.ts";
import { MemoryAdmin } from "./admin.ts";
import type { MemoryBroker } from "./broker/broker.ts";
import { MemoryConsumer } from "./consumer.ts";
import { classify } from "./errors.ts";
import { MemoryProducer } from "./producer.ts";
import type { Profile } from "./profiles.ts";
import { MemoryReader } from "./reader.ts";
import { comparePositions } from "./records.ts";
import { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";
import { refuseTopicName } from "./topic-name.ts";

/** One connection to a broker in this process. */
export class MemoryDriver implements ProviderDriver<Capability> {
  readonly specVersion = 1;
  readonly provider = "memory";
  readonly capabilities: Capabilities & { readonly [C in Capability]: true };
  readonly admin: AdminDriver;
  readonly #service: Service;
  #opened = false;

  constructor(broker: MemoryBroker, profile: Profile, delayMs: number) {
    this.#service = new Service(broker, profile, delayMs);
    // The type tells of the provider's own form; with `like` and `without` the object tells the truth, as for a URL.
    this.capabilities = profile.capabilities as Capabilities & { readonly [C in Capability]: true };
    this.admin = new MemoryAdmin(this.#service);
  }

  open({ report }: OpenContext): void {
    if (this.#opened)
      throw new StreamError("configuration", "this driver serves a connection already; make one for each", { provider: this.provider });
    this.#opened = true;
    this.#service.open(report);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#enter("check", undefined, signal);
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
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
    return new MemoryConsumer(this.#service, topic, settings);
  }

  reader(topic: string): ReaderDriver {
    return new MemoryReader(this.#service, topic);
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
