import type {
  AdminDriver,
  Capabilities,
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
import { PubSubAdmin } from "./admin.ts";
import { type PubSubCapability, capabilitiesOf, narrowed } from "./capabilities.ts";
import { EMULATOR_VARIABLE, type ReachedEmulator } from "./client/endpoint.ts";
import { PubSubConnection } from "./client/pubsub-connection.ts";
import { PubSubConsumer } from "./consumer.ts";
import { classify, pubsubError } from "./errors.ts";
import type { PubSubOptions } from "./options.ts";
import { PubSubProducer } from "./producer.ts";
import { PubSubReader } from "./reader.ts";
import { comparePositions } from "./records.ts";
import { refuseSubscriptionName, refuseTopicName } from "./resource-name.ts";
import type { PubSubService } from "./service.ts";
import { describeTopic } from "./topic-directory.ts";
import { topicIdentity } from "./topic-identity.ts";

const PROVIDER = "pubsub";
/** https://cloud.google.com/pubsub/docs/replay-overview#seek_eventual_consistency */
const SEEK_SETTLING_MS = 60_000;
const QUIET_MS = 10_000;

/** A project, with its settings. */
export class PubSubDriver implements Driver<PubSubCapability> {
  readonly specVersion = 1;
  readonly provider = PROVIDER;
  readonly capabilities;
  readonly #options: PubSubOptions;

  constructor(options: PubSubOptions) {
    this.#options = options;
    this.capabilities = capabilitiesOf(options.exactlyOnce === true);
  }

  refuseTopicName(name: string): string | null {
    return refuseTopicName(name);
  }

  /** Without a native name the topic's name comes before it. */
  refuseGroupName({ group, nativeGroup = `t.${group}` }: GroupName): string | null {
    return refuseSubscriptionName(nativeGroup);
  }

  open({ report }: OpenContext): ProviderDriver {
    const { seekSettlingMs = SEEK_SETTLING_MS, quietMs = QUIET_MS, googleEmulator = false, exactlyOnce = false } = this.#options;
    const connection = new PubSubConnection(this.#options, report);
    return new OpenPubSubDriver({ connection, report, seekSettlingMs, quietMs, googleEmulator, exactlyOnce });
  }
}

/** One connection to a project. */
class OpenPubSubDriver implements ProviderDriver {
  readonly provider = PROVIDER;
  readonly capabilities: Capabilities;
  readonly admin: AdminDriver;
  readonly #service: PubSubService;

  constructor(service: PubSubService) {
    this.#service = service;
    this.capabilities = capabilitiesOf(service.exactlyOnce);
    this.admin = new PubSubAdmin(service);
  }

  /** An emulator is named: it is easily left set in the environment, and answers in place of the service. */
  async check(signal: AbortSignal): Promise<void> {
    const { connection, report } = this.#service;
    const emulator = await connection.emulator();
    try {
      await this.#ask(signal);
    } catch (error) {
      if (emulator === null) throw error;
      const { code, message } = classify(error);
      throw pubsubError(code, `${nameOf(emulator)}: ${message}`, { cause: error });
    }
    if (emulator?.isOfEnvironment !== true || !report.wants("warning")) return;
    report({ kind: "warning", text: `this connection reaches no service of Google's, but ${nameOf(emulator)}` });
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { connection } = this.#service;
    const project = `projects/${await connection.project()}`;
    await connection.publisher(
      "listTopics",
      { project, pageSize: 1 },
      `project=${encodeURIComponent(project)}`,
      { operation: "ListTopics" },
      signal,
    );
  }

  async reach(signal: AbortSignal): Promise<readonly ReachedPart[]> {
    await this.#ask(signal);
    const emulator = await this.#service.connection.emulator();
    return emulator === null ? [] : [{ name: nameOf(emulator), error: null, advice: null }];
  }

  async topicCapabilities(topic: string, signal: AbortSignal): Promise<Capabilities> {
    const { retentionMs } = await describeTopic(this.#service.connection, topic, signal);
    return narrowed(this.capabilities, retentionMs !== null, this.#service.googleEmulator);
  }

  async identity(topic: string, signal: AbortSignal): Promise<TopicIdentity> {
    await describeTopic(this.#service.connection, topic, signal);
    return topicIdentity(this.#service.connection, topic);
  }

  producer(topic: string): ProducerDriver {
    return new PubSubProducer(this.#service, topic);
  }

  consumer(topic: string, settings: ConsumerSettings): ConsumerDriver {
    return new PubSubConsumer(this.#service, topic, settings);
  }

  reader(topic: string): ReaderDriver {
    return new PubSubReader(this.#service, topic);
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

function nameOf({ address, isOfEnvironment }: ReachedEmulator): string {
  return `the emulator at ${address} (${isOfEnvironment ? EMULATOR_VARIABLE : "an endpoint of http"})`;
}
