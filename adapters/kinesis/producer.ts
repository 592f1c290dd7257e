import type { PutRecordsOutput, PutRecordsRequestEntry, PutRecordsResultEntry } from "@aws-sdk/client-kinesis";
import { StoredSlice, notStored } from "../../src/adapter-kit/index.ts";
import type {
  CallShape,
  Capabilities,
  Limits,
  ProducerDriver,
  PublishCall,
  RecordResult,
  SliceResult,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { packedPosition } from "../../src/envelope/index.ts";
import { DEFAULT_RECORD_BYTES, messageBytesOf, narrowed, overheadOf } from "./capabilities.ts";
import { classify, entryError, isNamed, kinesisError, mayBeDone } from "./errors.ts";
import type { Envelope } from "./options.ts";
import { ProducerStream } from "./produce/producer-stream.ts";
import { recordEntry } from "./produce/record-entry.ts";
import type { KinesisService } from "./service.ts";
import { streamOf } from "./stream-name.ts";

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const MOST_RECORDS = 500;
/** The service counts partition keys as well: so much is left for those of 500 records. */
const MOST_CALL_BYTES = 10 * 1_048_576 - MOST_RECORDS * 1_024;
const MOST_MESSAGES = 50_000;
const MOST_PACKED = 10_000;
const CALLS_IN_FLIGHT = 16;

/** Errors of a whole request because of what is in it; the service does not say in which record. */
const INVALID = ["invalid-argument", "too-large"];

/** The records of one request, and the slice that each of them is of: all of a lane, or one message without a lane. */
interface Entries {
  readonly records: PutRecordsRequestEntry[];
  readonly slices: number[];
  messages: number;
}

/** The capabilities of a stream, and what they depend on. */
interface KnownCapabilities extends Pick<ProducerStream, "recordBytes" | "isOnDemand" | "knowsShards"> {
  readonly capabilities: Capabilities;
}

/** Publishes to one stream. A lane is a key; a record packs what a lane has in a call, and a key has one unresolved record at most. */
export class KinesisProducer implements ProducerDriver {
  readonly laneGeneration = 0;
  readonly #service: KinesisService;
  readonly #topic: string;
  readonly #envelope: Envelope;
  readonly #stream: ProducerStream;
  readonly #shape: CallShape;
  #known: KnownCapabilities | null = null;

  constructor(service: KinesisService, topic: string) {
    this.#service = service;
    this.#topic = topic;
    this.#envelope = service.envelopeOf(topic);
    this.#stream = new ProducerStream(service, topic);
    this.#shape = shapeFor(this.#envelope, service.maxRequestBytes);
  }

  get shape(): CallShape {
    return this.#shape;
  }

  prepare(signal: AbortSignal): Promise<void> {
    return this.#stream.prepare(signal);
  }

  get identity(): TopicIdentity {
    return this.#stream.identity;
  }

  get limits(): Limits {
    return this.capabilities.limits;
  }

  /** The core asks for each message: they are made anew only where the stream has others. */
  get capabilities(): Capabilities {
    const { recordBytes, isOnDemand, knowsShards } = this.#stream;
    if (this.#known?.recordBytes === recordBytes && this.#known.isOnDemand === isOnDemand && this.#known.knowsShards === knowsShards)
      return this.#known.capabilities;
    const ofStream = narrowed({ envelope: this.#envelope, recordBytes, isOnDemand });
    const capabilities = knowsShards ? ofStream : { ...ofStream, explicitPartition: false };
    this.#known = { recordBytes, isOnDemand, knowsShards, capabilities };
    return capabilities;
  }

  /**
   * Keys keep their lanes whatever becomes of the shards. Of a partition that the application names the lane is a part of that of the key, and without a key it is a
   * lane of its own.
   */
  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    if (toPartition !== undefined) this.#stream.requireShard(toPartition);
    if (key === null) return toPartition ?? null;
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
    // No name of a shard is empty or has a slash, so that no key has the lane of another one.
    return `${toPartition ?? ""}/${text}`;
  }

  async write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    const refusal = await this.#stream.refusal(signal);
    if (refusal !== null) return call.slices.map(() => ({ outcome: "refused", error: refusal }));
    const results = new Array<SliceResult | undefined>(call.slices.length);
    const entries = await this.#entriesOf(call, results, signal);
    if (entries.records.length > 0) await this.#put(call, entries, results, signal);
    return results as readonly SliceResult[];
  }

  /** Slices that cannot be sent as they are get their results at once. */
  async #entriesOf(call: PublishCall, results: (SliceResult | undefined)[], signal: AbortSignal): Promise<Entries> {
    const entries: Entries = { records: [], slices: [], messages: 0 };
    for (let slice = 0; slice < call.slices.length; slice += 1) {
      const { lane, records } = call.slices[slice]!;
      const before = entries.records.length;
      try {
        const count = lane === null ? records.length : 1;
        for (let at = 0; at < count; at += 1) {
          const messages = lane === null ? [records[at]!] : records;
          const { toPartition } = messages[0]!;
          const hashKey = toPartition === undefined ? undefined : await this.#stream.hashKeyOf(toPartition, signal);
          entries.records.push(recordEntry(this.#envelope, messages, hashKey));
          entries.slices.push(slice);
        }
        entries.messages += records.length;
      } catch (error) {
        entries.records.length = before;
        entries.slices.length = before;
        results[slice] = notStored(classify(error));
      }
    }
    return entries;
  }

  async #put(
    call: PublishCall,
    { records, slices, messages }: Entries,
    results: (SliceResult | undefined)[],
    signal: AbortSignal,
  ): Promise<void> {
    const facts = { operation: "PutRecords", topic: this.#topic, bytes: call.bytes, messages };
    try {
      const { Records: answers } = await this.#service.connection.kinesis<PutRecordsOutput>(
        ({ PutRecordsCommand }) => new PutRecordsCommand({ ...streamOf(this.#topic), Records: records }),
        facts,
        signal,
      );
      if (answers?.length !== records.length) {
        const text = `the service answered ${answers?.length ?? "no"} results to ${records.length} records`;
        throw Object.assign(new Error(text), { name: "SyntaxError" });
      }
      this.#settle(call, slices, answers, results);
    } catch (error) {
      const result = this.#failed(error, call, signal);
      for (const slice of slices) results[slice] ??= result;
    }
  }

  /** What became of a request that was not answered with results. */
  #failed(thrown: unknown, { slices }: PublishCall, signal: AbortSignal): SliceResult {
    const error = signal.aborted ? kinesisError("unavailable", "the request was abandoned", { cause: thrown }) : classify(thrown);
    if (signal.aborted || mayBeDone(thrown)) return { outcome: "unknown", error };
    // With several slices nobody is blamed: the core sends each of them alone.
    if (INVALID.includes(error.code) && slices.length > 1) return { outcome: "retryable", error };
    return notStored(error);
  }

  #settle(
    call: PublishCall,
    slices: readonly number[],
    answers: readonly PutRecordsResultEntry[],
    results: (SliceResult | undefined)[],
  ): void {
    const { hasPositions } = this.#stream;
    const each = new Map<number, RecordResult[]>();
    let isThrottled = false;
    for (let index = 0; index < slices.length; index += 1) {
      const slice = slices[index]!;
      const answer = answers[index]!;
      const failure = failureOf(answer);
      if (failure?.error.code === "throttled") isThrottled = true;
      const { lane, records } = call.slices[slice]!;
      if (lane !== null) {
        results[slice] = failure ?? storedSlice(answer, records.length, hasPositions);
        continue;
      }
      const ofSlice = each.get(slice) ?? [];
      each.set(slice, ofSlice);
      ofSlice.push(failure ?? storedRecord(answer, hasPositions));
    }
    for (const [slice, ofSlice] of each) results[slice] = { outcome: "each", results: ofSlice };
    const { report } = this.#service;
    if (isThrottled && report.wants("throttle")) report({ kind: "throttle", operation: "PutRecords", topic: this.#topic, delayMs: null });
  }

  async close(): Promise<void> {
    this.#stream.close();
  }
}

function shapeFor(envelope: Envelope, maxRequestBytes: number): CallShape {
  return {
    lane: "key",
    lanesPerCall: "many",
    maxLaneMessages: envelope === "frame" ? MOST_PACKED : 1,
    // A larger message comes alone, up to what the stream takes. Packing makes no record larger than what every stream takes.
    maxLaneBytes: messageBytesOf({ envelope, recordBytes: DEFAULT_RECORD_BYTES }),
    maxCallMessages: envelope === "frame" ? MOST_MESSAGES : MOST_RECORDS,
    maxCallRecords: MOST_RECORDS,
    maxCallBytes: Math.min(maxRequestBytes, MOST_CALL_BYTES),
    maxCallsInFlight: CALLS_IN_FLIGHT,
    ...overheadOf(envelope),
  };
}

type Failure = Exclude<RecordResult, { outcome: "stored" }>;

/** `null`: it was stored. An internal failure may have stored it. */
function failureOf({ ErrorCode }: PutRecordsResultEntry): Failure | null {
  if (ErrorCode === undefined || ErrorCode === null) return null;
  const error = entryError(ErrorCode);
  if (error.code === "internal" || isNamed(error.cause, "InternalFailure", "InternalFailureException"))
    return { outcome: "unknown", error };
  return notStored(error);
}

function storedSlice({ SequenceNumber, ShardId }: PutRecordsResultEntry, count: number, hasPositions: boolean): SliceResult {
  if (!hasPositions) return new StoredSlice(null, null, null, noPosition);
  if (count === 1) return new StoredSlice(ShardId!, null, SequenceNumber!, onlyPosition);
  return new StoredSlice(ShardId!, null, { number: SequenceNumber!, count }, positionAt);
}

function onlyPosition(number: string): string {
  return packedPosition(number, 0, 1);
}

function positionAt({ number, count }: { readonly number: string; readonly count: number }, index: number): string {
  return packedPosition(number, index, count);
}

function noPosition(): null {
  return null;
}

function storedRecord({ SequenceNumber, ShardId }: PutRecordsResultEntry, hasPositions: boolean): RecordResult {
  if (!hasPositions) return { outcome: "stored", partition: null, position: null, timestampMs: null };
  return { outcome: "stored", partition: ShardId!, position: SequenceNumber!, timestampMs: null };
}
