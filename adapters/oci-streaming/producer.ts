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
import { MOST_KEY_BYTES, MOST_MESSAGE_BYTES, MOST_REQUEST_BYTES, capabilitiesOf, overheadOf } from "./capabilities.ts";
import { classify, isCoded, mayBeDone, ociError, waitHintMs } from "./errors.ts";
import type { Envelope } from "./options.ts";
import { type MessageEntry, messageEntry } from "./produce/message-entry.ts";
import { type OciService, messagesOf } from "./service.ts";
import type { StreamSummary } from "./streams/stream-summary.ts";

/** The service names no number; a call of more of them takes long to encode. */
const MOST_RECORDS = 500;
/** The service counts keys as well: so much is left for those of all messages of a call. */
const MOST_CALL_BYTES = MOST_REQUEST_BYTES - MOST_RECORDS * MOST_KEY_BYTES;
const MOST_MESSAGES = 50_000;
const MOST_PACKED = 10_000;
const CALLS_IN_FLIGHT = 8;

/** Errors of a whole request because of what is in it; the service does not say in which message. */
const INVALID = ["invalid-argument", "too-large"];

/** What a message of the service stands for: a slice of a lane, or one record without a lane. */
interface Entry {
  readonly slice: number;
  readonly count: number;
}

/** The entries of a request, and its body. */
interface Encoded {
  readonly entries: readonly Entry[];
  readonly body: Buffer;
}

/** What became of an entry: https://docs.oracle.com/iaas/api/#/en/streaming/20180418/datatypes/PutMessagesResultEntry */
interface EntryAnswer {
  readonly partition: string | null;
  readonly offset: string | null;
  readonly timestamp: string | null;
  readonly error?: string | null;
  readonly errorMessage?: string | null;
}

interface PutAnswer {
  readonly entries?: readonly EntryAnswer[];
}

/** Publishes to one stream. A lane is a key; a message packs what a lane has in a call, and a key has one unresolved message at most. */
export class OciProducer implements ProducerDriver {
  readonly laneGeneration = 0;
  readonly shape: CallShape;
  readonly #service: OciService;
  readonly #topic: string;
  #stream: StreamSummary | null = null;

  constructor(service: OciService, topic: string) {
    this.#service = service;
    this.#topic = topic;
    this.shape = shapeFor(service.envelope);
  }

  async prepare(signal: AbortSignal): Promise<void> {
    this.#stream = await this.#service.directory.usable(this.#topic, signal);
  }

  get identity(): TopicIdentity {
    return this.#prepared.identity;
  }

  get #prepared(): StreamSummary {
    if (this.#stream === null) throw ociError("internal", "the producer was used before it was prepared", { topic: this.#topic });
    return this.#stream;
  }

  get limits(): Limits {
    return this.capabilities.limits;
  }

  get capabilities(): Capabilities {
    return capabilitiesOf(this.#service.envelope);
  }

  laneOf(key: Uint8Array | null): string | null {
    return key === null ? null : Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
  }

  async write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    const results: (SliceResult | undefined)[] = [];
    const encoded = this.#encode(call, results);
    if (encoded.entries.length > 0) await this.#put(call, encoded, results, signal);
    return results as readonly SliceResult[];
  }

  /** Slices that cannot be sent as they are get their results at once. */
  #encode({ slices }: PublishCall, results: (SliceResult | undefined)[]): Encoded {
    const entries: Entry[] = [];
    const messages: MessageEntry[] = [];
    for (const [slice, { lane, records }] of slices.entries()) {
      try {
        const packed = lane === null ? records.map((record) => [record]) : [records];
        messages.push(...packed.map((each) => messageEntry(this.#service.envelope, each)));
        entries.push(...packed.map(({ length: count }) => ({ slice, count })));
      } catch (error) {
        results[slice] = notStored(classify(error));
      }
    }
    // Only the bytes are kept while the request is on its way: its texts would be as much again, twice.
    return { entries, body: Buffer.from(JSON.stringify({ messages }), "latin1") };
  }

  async #put(call: PublishCall, { entries, body }: Encoded, results: (SliceResult | undefined)[], signal: AbortSignal): Promise<void> {
    const messages = entries.reduce((sum, { count }) => sum + count, 0);
    try {
      const stream = this.#prepared;
      const { entries: answers } = await messagesOf(this.#service, stream).json<PutAnswer>(
        {
          operation: "PutMessages",
          method: "POST",
          path: `/streams/${encodeURIComponent(stream.id)}/messages`,
          body,
          isUpload: true,
          topic: this.#topic,
          bytes: call.bytes,
          messages,
        },
        signal,
      );
      if (answers?.length !== entries.length) {
        const text = `the service answered ${answers?.length ?? "no"} results to ${entries.length} messages`;
        throw Object.assign(new Error(text), { name: "SyntaxError" });
      }
      this.#settle(call, entries, answers, results);
    } catch (error) {
      const isNotFound = isCoded(error, "NotAuthorizedOrNotFound") && !signal.aborted;
      const result = isNotFound ? await this.#notFound(error, signal) : this.#failed(error, call, signal);
      for (const { slice } of entries) results[slice] ??= result;
    }
  }

  /**
   * What the service does not find may be a stream that was deleted and created again under another identifier: then the next attempt goes there. It
   * answers so, too, where it does not permit the request.
   */
  async #notFound(cause: unknown, signal: AbortSignal): Promise<SliceResult> {
    const topic = this.#topic;
    const { id } = this.#prepared;
    try {
      const found = await this.#service.directory.usableNow(topic, signal);
      this.#stream = found;
      if (found.id !== id) return notStored(ociError("unavailable", "the stream has been created again", { topic, cause }));
      const text = "the service lists the stream, but does not let these credentials send to it";
      return notStored(ociError("permission-denied", text, { topic, cause }));
    } catch (error) {
      return notStored(classify(error));
    }
  }

  /** What became of a request that was not answered with results. */
  #failed(thrown: unknown, { slices }: PublishCall, signal: AbortSignal): SliceResult {
    if (signal.aborted) return { outcome: "unknown", error: ociError("unavailable", "the request was abandoned", { cause: thrown }) };
    const error = classify(thrown);
    if (mayBeDone(thrown)) return { outcome: "unknown", error };
    // With several slices nobody is blamed: the core sends each of them alone.
    if (INVALID.includes(error.code) && slices.length > 1) return { outcome: "retryable", error };
    return notStored(error, waitHintOf(thrown));
  }

  #settle(call: PublishCall, entries: readonly Entry[], answers: readonly EntryAnswer[], results: (SliceResult | undefined)[]): void {
    const each = new Map<number, RecordResult[]>();
    let longestMs: number | null = null;
    for (const [index, { slice, count }] of entries.entries()) {
      const answer = answers[index]!;
      const failure = failureOf(answer);
      if (failure?.outcome === "retryable") longestMs = Math.max(longestMs ?? 0, failure.retryAfterMs ?? 0);
      if (call.slices[slice]!.lane !== null) {
        results[slice] = failure ?? storedSlice(answer, count);
        continue;
      }
      const ofSlice = each.get(slice) ?? [];
      each.set(slice, ofSlice);
      ofSlice.push(failure ?? storedRecord(answer));
    }
    for (const [slice, ofSlice] of each) results[slice] = { outcome: "each", results: ofSlice };
    const { report } = this.#service;
    if (longestMs !== null && report.wants("throttle"))
      report({ kind: "throttle", operation: "PutMessages", topic: this.#topic, delayMs: longestMs });
  }

  async close(): Promise<void> {}
}

function shapeFor(envelope: Envelope): CallShape {
  return {
    lane: "key",
    lanesPerCall: "many",
    maxLaneMessages: envelope === "frame" ? MOST_PACKED : 1,
    maxLaneBytes: MOST_MESSAGE_BYTES,
    maxCallMessages: envelope === "frame" ? MOST_MESSAGES : MOST_RECORDS,
    maxCallRecords: MOST_RECORDS,
    maxCallBytes: MOST_CALL_BYTES,
    maxCallsInFlight: CALLS_IN_FLIGHT,
    ...overheadOf(envelope),
  };
}

type Failure = Exclude<RecordResult, { outcome: "stored" }>;

/** `null`: it was stored. */
function failureOf({ error: code, errorMessage }: EntryAnswer): Failure | null {
  if (code === undefined || code === null || code === "") return null;
  const statusCode = Number(code);
  const cause = Object.assign(new Error("the service did not store this message"), Number.isNaN(statusCode) ? { code } : { statusCode });
  const error = classify(cause);
  // A failure of the service may have stored it.
  if (error.code === "internal" || mayBeDone(cause)) return { outcome: "unknown", error };
  return notStored(error, waitHintMs(errorMessage ?? "") ?? undefined);
}

function waitHintOf(thrown: unknown): number | undefined {
  const { serviceText } = thrown as { readonly serviceText?: string };
  return serviceText === undefined ? undefined : (waitHintMs(serviceText) ?? undefined);
}

function storedSlice({ partition, offset, timestamp }: EntryAnswer, count: number): SliceResult {
  return new StoredSlice(partition, timeOf(timestamp), offset!, (first, index) => packedPosition(first, index, count));
}

function storedRecord({ partition, offset, timestamp }: EntryAnswer): RecordResult {
  return { outcome: "stored", partition, position: offset, timestampMs: timeOf(timestamp) };
}

function timeOf(timestamp: string | null): number | null {
  const ms = timestamp === null ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(ms) ? null : ms;
}
