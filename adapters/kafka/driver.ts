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
  Report,
  StreamError,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { KafkaAdmin } from "./admin.ts";
import { TopicAdmin } from "./admin/topic-admin.ts";
import { CAPABILITIES, hasAppendTime, messageBytesOf, narrowed } from "./capabilities.ts";
import type { ClientSettings } from "./client/client-settings.ts";
import type { KafkaClient } from "./client/kafka-client.ts";
import { createKafkaClient } from "./client/kafkajs-client.ts";
import { clientSettingsOf } from "./client/settings-of-options.ts";
import { KafkaConsumer } from "./consumer.ts";
import { classify } from "./errors.ts";
import { refuseGroupName } from "./group/group-name.ts";
import { MetadataBound } from "./group/metadata-bound.ts";
import type { KafkaOptions } from "./options.ts";
import { KafkaProducer } from "./producer.ts";
import { KafkaReader } from "./reader.ts";
import { comparePositions, toOffset } from "./records.ts";
import type { KafkaService } from "./service.ts";
import { TopicDirectory } from "./topic-directory.ts";
import { refuseTopicName } from "./topic-name.ts";

/** What Kafka grants with any settings of the server. */
export type KafkaCapability = Exclude<Capability, "lagInTime" | "growthKeepsKeyOrder" | "partitionMerge">;

const PROVIDER = "kafka";

const ADVERTISED =
  "The cluster was reached, and gives this address for its broker (advertised.listeners): set there a name and a port that this machine can reach, as localhost means each machine itself, and names of containers hold among containers only.";

/** A cluster with its settings. */
export class KafkaDriver implements Driver<KafkaCapability> {
  readonly specVersion = 1;
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly #options: KafkaOptions;
  readonly #settings: ClientSettings;

  /** @throws `configuration` for certificates and keys that cannot be used */
  constructor(options: KafkaOptions) {
    this.#options = options;
    this.#settings = clientSettingsOf(options);
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  refuseGroupName(name: GroupName): string | null {
    return refuseGroupName(name);
  }

  open({ report }: OpenContext): ProviderDriver {
    return new OpenKafkaDriver(createKafkaClient(this.#settings, report), report, this.#options);
  }
}

/** One connection to a cluster. */
class OpenKafkaDriver implements ProviderDriver {
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly admin: AdminDriver;
  readonly #client: KafkaClient;
  readonly #service: KafkaService;

  constructor(client: KafkaClient, report: Report, { compression = "none", idempotent = false }: KafkaOptions) {
    this.#client = client;
    const directory = new TopicDirectory(client);
    this.#service = { client, directory, report, metadataBound: new MetadataBound(), compression, idempotent };
    this.admin = new KafkaAdmin(this.#service);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#client.metadata([], signal);
  }

  /** Each broker at its advertised address: one that the URL does not name may not be reachable from here. */
  async reach(signal: AbortSignal): Promise<readonly ReachedPart[]> {
    const { brokers } = await this.#client.metadata([], signal);
    return Promise.all(
      brokers.map(async ({ brokerId, host, port }) => {
        const name = `broker ${brokerId} at ${host}:${port}`;
        return reachPart({ name, advice: ADVERTISED, classify, check: async (attempt) => this.#client.reach(brokerId, attempt) }, signal);
      }),
    );
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    const { topicId, clusterId } = await this.#service.directory.fetch(topic, signal);
    const settings = await new TopicAdmin(this.#service).settings(topic, signal);
    return narrowed({
      messageBytes: messageBytesOf(settings),
      hasTopicId: topicId !== null,
      hasClusterId: clusterId !== null,
      hasAppendTime: hasAppendTime(settings),
    });
  }

  async identity(topic: string, signal: AbortSignal): Promise<TopicIdentity> {
    const { identity } = await this.#service.directory.fetch(topic, signal);
    return identity;
  }

  producer(topic: string): ProducerDriver {
    return new KafkaProducer(this.#service, topic);
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return new KafkaConsumer(this.#service, topic, settings);
  }

  reader(topic: string): ReaderDriver {
    return new KafkaReader(this.#service, topic);
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }

  isFirst(position: string): boolean {
    return toOffset(position) === 0n;
  }

  classify(error: unknown): StreamError {
    return classify(error);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
