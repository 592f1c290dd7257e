import { StoredSlice, notStored } from "../../src/adapter-kit/index.ts";
import type {
  CallShape,
  CallSlice,
  Capabilities,
  Limits,
  ProducerDriver,
  PublishCall,
  SliceResult,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { CAPABILITIES, HEADER_OVERHEAD_BYTES, MESSAGE_BYTES, RECORD_OVERHEAD_BYTES, capabilitiesOf } from "./capabilities.ts";
import { classify, mayBeDone, pubsubError } from "./errors.ts";
import { publishedMessage } from "./records.ts";
import { PARTITION, type PubSubService } from "./service.ts";
import { describeTopic } from "./topic-directory.ts";
import { topicIdentity } from "./topic-identity.ts";

/** https://cloud.google.com/pubsub/quotas#resource_limits; a request carries one ordering key only. */
const SHAPE: CallShape = {
  lane: "key",
  lanesPerCall: "one",
  maxLaneMessages: 1_000,
  maxLaneBytes: MESSAGE_BYTES,
  maxCallMessages: 1_000,
  maxCallBytes: MESSAGE_BYTES,
  maxCallsInFlight: 64,
  recordOverheadBytes: RECORD_OVERHEAD_BYTES,
  headerOverheadBytes: HEADER_OVERHEAD_BYTES,
};

/** Publishes to one topic. A lane is an ordering key; one call is one request, and it is the only one of its key. */
export class PubSubProducer implements ProducerDriver {
  readonly shape = SHAPE;
  readonly laneGeneration = 0;
  readonly #service: PubSubService;
  readonly #topic: string;
  #prepared: { readonly name: string; readonly routing: string; readonly identity: TopicIdentity } | null = null;

  constructor(service: PubSubService, topic: string) {
    this.#service = service;
    this.#topic = topic;
  }

  /** Who may publish may not always look at the topic (`roles/pubsub.publisher`): then the first publish says whether there is one. */
  async prepare(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { connection } = this.#service;
    const name = await connection.name("topics", this.#topic);
    const identity = await topicIdentity(connection, this.#topic);
    await describeTopic(connection, this.#topic, signal).catch((error: unknown) => {
      if (signal.aborted || classify(error).code !== "permission-denied") throw error;
    });
    this.#prepared = { name, routing: `topic=${encodeURIComponent(name)}`, identity };
  }

  get identity(): TopicIdentity {
    return this.#opened.identity;
  }

  get limits(): Limits {
    return CAPABILITIES.limits;
  }

  get capabilities(): Capabilities {
    return capabilitiesOf(this.#service.exactlyOnce);
  }

  get #opened() {
    if (this.#prepared === null) throw pubsubError("internal", "the producer was used before it was prepared", { topic: this.#topic });
    return this.#prepared;
  }

  laneOf(key: Uint8Array | null): string | null {
    return key === null ? null : Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
  }

  async write({ slices }: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    return Promise.all(slices.map(async (slice) => this.#publish(slice, signal)));
  }

  async #publish({ records, bytes }: CallSlice, signal: AbortSignal): Promise<SliceResult> {
    const { name, routing } = this.#opened;
    try {
      const messages = records.map(publishedMessage);
      const facts = { operation: "Publish", topic: this.#topic, bytes, messages: records.length };
      const { messageIds } = await this.#service.connection.publisher<{ messageIds: readonly string[] }>(
        "publish",
        { topic: name, messages },
        routing,
        facts,
        signal,
      );
      if (messageIds.length !== records.length) {
        const text = `the service answered ${messageIds.length} ids to ${records.length} messages`;
        return { outcome: "unknown", error: pubsubError("unavailable", text, { topic: this.#topic }) };
      }
      return new StoredSlice(PARTITION, null, messageIds, idAt);
    } catch (thrown) {
      return this.#failed(thrown, signal);
    }
  }

  /** What became of a request that was not answered with ids. */
  #failed(thrown: unknown, signal: AbortSignal): SliceResult {
    const error = signal.aborted ? pubsubError("unavailable", "the request was abandoned", { cause: thrown }) : classify(thrown);
    if (signal.aborted || mayBeDone(thrown)) return { outcome: "unknown", error };
    const { report } = this.#service;
    if (error.code === "throttled" && report.wants("throttle")) {
      report({ kind: "throttle", operation: "Publish", topic: this.#topic, delayMs: null });
    }
    return notStored(error);
  }

  async close(): Promise<void> {}
}

function idAt(ids: readonly string[], index: number): string | null {
  return ids[index]!;
}
