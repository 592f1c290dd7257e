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
import { KinesisAdmin } from "./admin.ts";
import { CAPABILITIES, narrowed } from "./capabilities.ts";
import { KinesisConnection } from "./client/kinesis-connection.ts";
import { KinesisConsumer } from "./consumer.ts";
import { classify } from "./errors.ts";
import { refuseGroupName } from "./group/group-name.ts";
import type { KinesisOptions } from "./options.ts";
import { KinesisProducer } from "./producer.ts";
import { kinesisReader } from "./reader.ts";
import { comparePositions } from "./records.ts";
import { type KinesisService, envelopes } from "./service.ts";
import { refuseTopicName } from "./stream-name.ts";
import { StreamDirectory } from "./streams/stream-directory.ts";

/** What Kinesis grants, as far as the envelope of a topic allows. */
export type KinesisCapability = Exclude<Capability, "lagInMessages" | "binaryKeys" | "nativeHeaders" | "producerTimestamps">;

const PROVIDER = "kinesis";

const DYNAMO_ADVICE =
  "Groups keep who owns what in DynamoDB, in the region of the streams; producers and readers do not need it. Another address is set by leaseEndpoint, or AWS_ENDPOINT_URL_DYNAMODB.";
const POLL_MS = 1_000;
const REQUEST_BYTES = 5_242_880;
const LONGEST_DESCRIBED_MS = 1_000;

/** An account and region, with its settings. */
export class KinesisDriver implements Driver<KinesisCapability> {
  readonly specVersion = 1;
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly #options: KinesisOptions;

  constructor(options: KinesisOptions) {
    this.#options = options;
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  refuseGroupName(name: GroupName): string | null {
    return refuseGroupName(name);
  }

  open({ report }: OpenContext): ProviderDriver {
    const { pollMs = POLL_MS, maxRequestBytes = REQUEST_BYTES } = this.#options;
    const connection = new KinesisConnection(this.#options, report);
    const directory = new StreamDirectory(connection, Math.min(pollMs, LONGEST_DESCRIBED_MS));
    const envelopeOf = envelopes(this.#options);
    return new OpenKinesisDriver({ connection, directory, report, knownTables: new Set(), pollMs, maxRequestBytes, envelopeOf });
  }
}

/** One connection to an account and region. */
class OpenKinesisDriver implements ProviderDriver {
  readonly provider = PROVIDER;
  readonly capabilities = CAPABILITIES;
  readonly admin: AdminDriver;
  readonly #service: KinesisService;

  constructor(service: KinesisService) {
    this.#service = service;
    this.admin = new KinesisAdmin(service);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#service.connection.kinesis(
      ({ ListStreamsCommand }) => new ListStreamsCommand({ Limit: 1 }),
      { operation: "ListStreams" },
      signal,
    );
  }

  /** Groups need DynamoDB, which has an address of its own. */
  async reach(signal: AbortSignal): Promise<readonly ReachedPart[]> {
    const { connection } = this.#service;
    await this.check(signal);
    const check = async (attempt: AbortSignal) =>
      connection.dynamo(({ ListTablesCommand }) => new ListTablesCommand({ Limit: 1 }), { operation: "ListTables" }, attempt);
    return [await reachPart({ name: "DynamoDB, for groups", advice: DYNAMO_ADVICE, classify, check }, signal)];
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    const { recordBytes, isOnDemand } = await this.#service.directory.summary(topic, signal);
    return narrowed({ envelope: this.#service.envelopeOf(topic), recordBytes, isOnDemand });
  }

  async identity(topic: string, signal: AbortSignal): Promise<TopicIdentity> {
    const { identity } = await this.#service.directory.usable(topic, signal);
    return identity;
  }

  producer(topic: string): ProducerDriver {
    return new KinesisProducer(this.#service, topic);
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return new KinesisConsumer(this.#service, topic, settings);
  }

  reader(topic: string): ReaderDriver {
    return kinesisReader(this.#service, topic);
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }

  classify(error: unknown): StreamError {
    return classify(error);
  }

  async close(): Promise<void> {
    await this.#service.connection.close();
  }
}
