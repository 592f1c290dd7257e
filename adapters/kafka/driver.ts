import type {
  AdminDriver,
  Capabilities,
  Capability,
  ConsumerDriver,
  ConsumerSettings,
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
import type { KafkaClient } from "./client/kafka-client.ts";
import { createKafkaClient } from "./client/kafkajs-client.ts";
import { clientSettingsOf } from "./client/settings-of-options.ts";
import { KafkaConsumer } from "./consumer.ts";
import { classify, kafkaError } from "./errors.ts";
import type { KafkaOptions } from "./options.ts";
import { KafkaProducer } from "./producer.ts";
import { KafkaReader } from "./reader.ts";
import { comparePositions } from "./records.ts";
import type { KafkaService } from "./service.ts";
import { TopicDirectory } from "./topic-directory.ts";
import { refuseTopicName } from "./topic-name.ts";

/** What Kafka grants whatever the server's settings. */
export type KafkaCapability = Exclude<Capability, "lagInTime" | "growthKeepsKeyOrder" | "partitionMerge">;

const ADVERTISED =
  "The cluster was reached, and gives this address for its broker (advertised.listeners): set there a name and a port that this machine can reach, as localhost means each machine itself, and names of containers hold among containers only.";

/** One connection to a cluster. */
export class KafkaDriver implements ProviderDriver<KafkaCapability> {
  readonly specVersion = 1;
  readonly provider = "kafka";
  readonly capabilities = CAPABILITIES;
  readonly admin: AdminDriver;
  readonly #client: KafkaClient;
  readonly #service: KafkaService;
  #opened: Report | undefined;

  constructor(options: KafkaOptions) {
    const report: Report = Object.assign((reported: Parameters<Report>[0]): void => this.#opened?.(reported), {
      wants: (kind: Parameters<Report["wants"]>[0]) => this.#opened?.wants(kind) ?? false,
    });
    this.#client = createKafkaClient(clientSettingsOf(options, report), report);
    this.#service = {
      client: this.#client,
      directory: new TopicDirectory(this.#client),
      report,
      compression: options.compression ?? "none",
      idempotent: options.idempotent ?? false,
    };
    this.admin = new KafkaAdmin(this.#service);
  }

  open({ report }: OpenContext): void {
    if (this.#opened !== undefined) {
      throw kafkaError("configuration", "this driver has been opened already: each connection needs a driver of its own");
    }
    this.#opened = report;
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#client.metadata([], signal);
  }

  /** Each broker at the address that it gives itself: an address that the URL does not name may be wrong on the way from here. */
  async reach(signal: AbortSignal): Promise<readonly ReachedPart[]> {
    const { brokers } = await this.#client.metadata([], signal);
    return Promise.all(
      brokers.map(async ({ brokerId, host, port }): Promise<ReachedPart> => {
        const name = `broker ${brokerId} at ${host}:${port}`;
        try {
          await this.#client.reach(brokerId, signal);
          return { name, error: null, advice: null };
        } catch (error) {
          signal.throwIfAborted();
          return { name, error: classify(error), advice: ADVERTISED };
        }
      }),
    );
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    const { topicId } = await this.#service.directory.fetch(topic, signal);
    const settings = await new TopicAdmin(this.#service).settings(topic, signal);
    return narrowed({ messageBytes: messageBytesOf(settings), hasTopicId: topicId !== null, hasAppendTime: hasAppendTime(settings) });
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

  classify(error: unknown): StreamError {
    return classify(error);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
