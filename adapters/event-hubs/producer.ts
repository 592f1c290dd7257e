import { performance } from "node:perf_hooks";
import type { EventDataBatch, EventHubProducerClient } from "@azure/event-hubs";
import { notStored } from "../../src/adapter-kit/index.ts";
import type {
  CallShape,
  CallSlice,
  Limits,
  OutgoingRecord,
  ProducerDriver,
  PublishCall,
  RecordResult,
  SliceResult,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { CAPABILITIES, MOST_MESSAGE_BYTES, messageBytesOf, shapeFor } from "./capabilities.ts";
import type { OpenClient } from "./client/open-client.ts";
import { EVENT_HUBS_ERRORS, classify, eventHubsError, isCoded, isStuck, mayBeStored } from "./errors.ts";
import type { HubInfo } from "./hubs/hub-directory.ts";
import { BatchBuffers } from "./produce/batch-buffers.ts";
import { fillBatch, takesOwnMessages } from "./produce/fill-batch.ts";
import { partitionIndexOf } from "./produce/partition-key-hash.ts";
import type { EventHubsService } from "./service.ts";

/** How often the hub is asked whether partitions were added. */
const DESCRIBE_MS = 10_000;
/** What the service asks for in its text (`Please wait 4 seconds`). */
const SERVER_BUSY_MS = 4_000;

/** A batch is stored as a whole or not at all. */
type BatchResult = Exclude<SliceResult, { outcome: "each" }>;

/**
 * Publishes to one hub. A lane is a partition, found by the service's hash of the key; a call is one batch for one partition, stored as a whole or not at
 * all, or two such batches one after the other, and a partition has one unresolved batch at most: more of them could change places when a link breaks.
 */
export class EventHubsProducer implements ProducerDriver {
  laneGeneration = 0;
  readonly #service: EventHubsService;
  readonly #topic: string;
  readonly #life = new AbortController();
  #hub: HubInfo | null = null;
  #describedMs = 0;
  #messageBytes = MOST_MESSAGE_BYTES;
  #shape: CallShape = shapeFor(MOST_MESSAGE_BYTES);
  /** `null`: the SDK writes the messages. */
  #buffers: BatchBuffers | null = null;

  constructor(service: EventHubsService, topic: string) {
    this.#service = service;
    this.#topic = topic;
  }

  get shape(): CallShape {
    return this.#shape;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const open = await this.#service.clients.producer(this.#topic, signal);
    const [hub, batch] = await Promise.all([this.#service.directory.hub(this.#topic, signal), this.#batch(open, null, signal)]);
    this.#describedMs = performance.now();
    this.#hub = hub;
    this.#messageBytes = messageBytesOf(batch.maxSizeInBytes);
    this.#buffers = takesOwnMessages(batch) ? new BatchBuffers() : null;
    this.#shape = shapeFor(this.#messageBytes);
  }

  get identity(): TopicIdentity {
    return this.#prepared.identity;
  }

  get limits(): Limits {
    return { ...CAPABILITIES.limits, messageBytes: this.#messageBytes, headerBytes: this.#messageBytes };
  }

  get #prepared(): HubInfo {
    if (this.#hub === null) throw eventHubsError("internal", "the producer was used before it was prepared", { topic: this.#topic });
    return this.#hub;
  }

  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    const { partitions } = this.#prepared;
    if (toPartition !== undefined) {
      if (!partitions.includes(toPartition)) void this.#describe();
      return toPartition;
    }
    return key === null ? null : partitions[partitionIndexOf(key, partitions.length)]!;
  }

  /** Partitions that were added move keys, as in the service. */
  async #describe(): Promise<void> {
    this.#describedMs = performance.now();
    try {
      this.#adopt(await this.#service.directory.hub(this.#topic, this.#life.signal));
    } catch {
      // What is wrong shows at the next call.
    }
  }

  #adopt(hub: HubInfo): void {
    const former = this.#hub;
    this.#hub = hub;
    if (former !== null && former.partitions.length !== hub.partitions.length) this.laneGeneration += 1;
  }

  /** Looks now and then whether partitions were added; not where lanes are asked for, since the core remembers the lanes of busy keys. */
  async write({ slices }: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    if (performance.now() - this.#describedMs > DESCRIBE_MS) void this.#describe();
    return Promise.all(slices.map(async (slice) => this.#send(slice, signal)));
  }

  /** Of two batches the second one is sent once the first is stored. */
  async #send(slice: CallSlice, signal: AbortSignal): Promise<SliceResult> {
    const { records } = slice;
    const count = firstBatchOf(records);
    if (count === records.length) return this.#sendBatch(slice, signal);
    const first = await this.#sendBatch({ ...slice, records: records.slice(0, count) }, signal);
    if (first.outcome !== "stored") return first;
    const rest = await this.#sendBatch({ ...slice, records: records.slice(count) }, signal);
    return rest.outcome === "stored" ? rest : storedBefore(rest, count, slice);
  }

  async #sendBatch({ lane, records, bytes }: CallSlice, signal: AbortSignal): Promise<BatchResult> {
    const startedMs = performance.now();
    let isSent = false;
    try {
      const open = await this.#service.clients.producer(this.#topic, signal);
      const batch = await this.#batch(open, lane, signal);
      const onStored = fillBatch(batch, records, this.#buffers);
      if (onStored === null) return this.#tooLarge(batch);
      isSent = true;
      await open.watch.during(signal, (abortSignal) => open.client.sendBatch(batch, { abortSignal }), lane);
      onStored();
      const { report } = this.#service;
      if (report.wants("call")) {
        const durationMs = performance.now() - startedMs;
        report({ kind: "call", operation: "Send", topic: this.#topic, bytes, messages: records.length, durationMs });
      }
      return { outcome: "stored", partition: lane, timestampMs: null, positionOf: () => null };
    } catch (error) {
      return this.#failed(error, lane, isSent, signal);
    }
  }

  #tooLarge({ maxSizeInBytes }: EventDataBatch): BatchResult {
    const text = `the link takes ${maxSizeInBytes} bytes at a time, and the messages are larger as events`;
    return { outcome: "refused", error: eventHubsError("too-large", text, { topic: this.#topic }) };
  }

  /** Opens the link where there is none. */
  async #batch(open: OpenClient<EventHubProducerClient>, lane: string | null, signal: AbortSignal): Promise<EventDataBatch> {
    const partition = lane === null ? {} : { partitionId: lane };
    try {
      return await open.watch.during(signal, (abortSignal) => open.client.createBatch({ ...partition, abortSignal }));
    } catch (error) {
      if (isStuck(error)) await this.#service.clients.dropProducer(this.#topic, open);
      throw error;
    }
  }

  async #failed(thrown: unknown, lane: string | null, isSent: boolean, signal: AbortSignal): Promise<BatchResult> {
    if (signal.aborted) {
      const error = eventHubsError("unavailable", "the request was abandoned", { cause: thrown });
      return isSent ? { outcome: "unknown", error } : { outcome: "retryable", error };
    }
    const error = classify(thrown);
    if (isSent && mayBeStored(thrown)) return { outcome: "unknown", error };
    if (lane !== null && isCoded(thrown, "ArgumentOutOfRangeError")) return this.#unknownPartition(lane, signal);
    if (error.code === "throttled" && isCoded(thrown, "ServerBusyError")) {
      const { report } = this.#service;
      if (report.wants("throttle")) report({ kind: "throttle", operation: "Send", topic: this.#topic, delayMs: SERVER_BUSY_MS });
    }
    return notStored(error);
  }

  /** A partition that the application has named, or one of a hub that was deleted and created again. */
  async #unknownPartition(lane: string, signal: AbortSignal): Promise<BatchResult> {
    try {
      const hub = await this.#service.directory.hubNow(this.#topic, signal);
      this.#adopt(hub);
      return { outcome: "refused", error: EVENT_HUBS_ERRORS.noSuchPartition(this.#topic, lane, hub.partitions) };
    } catch (error) {
      return notStored(classify(error));
    }
  }

  async close(): Promise<void> {
    this.#life.abort();
  }
}

/**
 * How many records one batch may carry. The annotations of its first event are those of the batch, and an event without a key would get the key of the batch:
 * those without a key, and what is behind them, go into a batch that begins with one of them.
 */
function firstBatchOf(records: readonly OutgoingRecord[]): number {
  if (records[0]?.key === null) return records.length;
  const keyless = records.findIndex(({ key }) => key === null);
  return keyless === -1 ? records.length : keyless;
}

/** The first ones are stored. @param rest what became of the others */
function storedBefore(rest: Exclude<BatchResult, { outcome: "stored" }>, count: number, { lane, records }: CallSlice): SliceResult {
  const stored: RecordResult = { outcome: "stored", partition: lane, position: null, timestampMs: null };
  // If several of them are refused, one is to blame: alone in a slice they are looked at one by one.
  const other: RecordResult = rest.outcome === "refused" && records.length - count > 1 ? { ...rest, outcome: "retryable" } : rest;
  return { outcome: "each", results: records.map((_, at) => (at < count ? stored : other)) };
}
