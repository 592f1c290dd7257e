import { OWN_CAPABILITIES } from "../../../adapters/memory/capabilities.ts";
import type { Capabilities, Limits } from "../../../src/capabilities.ts";
import type { Codec } from "../../../src/codec/codec.ts";
import type { CallShape, ProducerDriver, PublishCall, RecordResult, SliceResult } from "../../../src/driver/producer-driver.ts";
import type { ProviderDriver } from "../../../src/driver/provider-driver.ts";
import type { OutgoingRecord } from "../../../src/driver/record.ts";
import { StreamError, isStreamError, withContext } from "../../../src/errors.ts";
import type { Closable } from "../../../src/connection-services.ts";
import type { TypedTopic } from "../../../src/topic-context.ts";

const text = (bytes: Uint8Array | null): string => (bytes === null ? "null" : Buffer.from(bytes).toString());

/** A call as a test sees it: a copy, so that later changes of the records do not show. */
export interface SeenCall {
  readonly lanes: readonly (string | null)[];
  /** `key:value` */
  readonly slices: readonly (readonly string[])[];
  readonly signal: AbortSignal;
  /** Answers the call. */
  answer(...results: SliceResult[]): void;
  /** Answers in a form that no driver may use. */
  answerWrongly(answer: unknown): void;
  reject(error: unknown): void;
}

export const SHAPES: Readonly<Record<string, CallShape>> = {
  kafka: shape("partition", "many", 1_000, 50, 5),
  "event-hubs": shape("partition", "one", 50, 50, 2),
  pubsub: shape("key", "one", 20, 20, 4),
  kinesis: shape("key", "many", 1, 20, 2),
  oci: shape("key", "many", 1, 10, 3),
  packing: { ...shape("key", "many", 20, 40, 3), maxCallRecords: 4 },
};

function shape(
  lane: "key" | "partition",
  lanesPerCall: "one" | "many",
  laneMessages: number,
  callMessages: number,
  inFlight: number,
): CallShape {
  return {
    lane,
    lanesPerCall,
    maxLaneMessages: laneMessages,
    maxLaneBytes: 1_000_000,
    maxCallMessages: callMessages,
    maxCallBytes: 4_000_000,
    maxCallsInFlight: inFlight,
    recordOverheadBytes: 0,
    headerOverheadBytes: 0,
  };
}

/** What the driver does with a call; without a script it stores everything. */
export type Script = (call: PublishCall, signal: AbortSignal, driver: FakeProducerDriver) => Promise<readonly SliceResult[]>;

/** A driver with a log in memory; a test can write each of its answers. */
export class FakeProducerDriver implements ProducerDriver {
  shape: CallShape;
  limits: Limits = { messageBytes: 1_000_000, keyBytes: 128, headerBytes: 1_000 };
  /** The capabilities of the topic, where it has fewer than the provider. */
  capabilities?: Capabilities;
  identity = { cluster: "c", topic: "native", incarnation: "" };
  laneGeneration = 0;
  partitions = 4;
  script: Script | null = null;
  preparing: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  prepareCalls = 0;
  closed = 0;
  /** Set by tests of several destinations. */
  destinationOf?: (lane: string | null) => string;
  laneCalls = 0;
  readonly calls: SeenCall[] = [];
  readonly log: { readonly lane: string | null; readonly key: string; readonly value: string; readonly headers: readonly string[] }[] = [];
  readonly violations: string[] = [];
  readonly #open = new Set<string>();

  constructor(callShape: CallShape = SHAPES["kafka"]!) {
    this.shape = callShape;
  }

  prepare(signal: AbortSignal): Promise<void> {
    this.prepareCalls += 1;
    return this.preparing(signal);
  }

  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    this.laneCalls += 1;
    if (toPartition !== undefined) {
      if (!(Number(toPartition) < this.partitions))
        throw new StreamError("invalid-argument", `there is no partition ${toPartition}; there are 0 to 3`);
      return `p${toPartition}`;
    }
    if (key === null) return null;
    if (this.shape.lane === "key") return `k${text(key)}`;
    return `p${key.reduce((sum, byte) => sum + byte, this.laneGeneration) % this.partitions}`;
  }

  write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    this.#check(call);
    let settle!: (results: readonly SliceResult[]) => void;
    let fail!: (error: unknown) => void;
    const answered = new Promise<readonly SliceResult[]>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    this.calls.push({
      lanes: call.slices.map(({ lane }) => lane),
      slices: call.slices.map(({ records }) => records.map(({ key, value }) => `${text(key)}:${text(value)}`)),
      signal,
      answer: (...results) => settle(results),
      answerWrongly: (answer) => settle(answer as readonly SliceResult[]),
      reject: fail,
    });
    const lanes = call.slices.flatMap(({ lane }) => (lane === null ? [] : [lane]));
    const answer =
      this.script === null
        ? Promise.resolve(call.slices.map(({ lane, records }) => this.store(lane, records)))
        : this.script(call, signal, this);
    const release = (): void => lanes.forEach((lane) => this.#open.delete(lane));
    return Promise.race([answer, answered]).finally(release);
  }

  store(lane: string | null, records: readonly OutgoingRecord[]): SliceResult {
    const start = this.log.length;
    for (const { key, value, headers } of records) {
      this.log.push({ lane, key: text(key), value: text(value), headers: headers.map(([name, bytes]) => `${name}=${text(bytes)}`) });
    }
    return { outcome: "stored", partition: lane ?? "0", timestampMs: 1_000, positionOf: (index) => String(start + index) };
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }

  #check(call: PublishCall): void {
    const { shape: allowed } = this;
    let messages = 0;
    let counted = 0;
    const names = new Set<string | null>();
    for (const { lane, records, bytes } of call.slices) {
      messages += records.length;
      counted += lane === null ? records.length : 1;
      if (records.length === 0) this.violations.push("an empty slice");
      if (names.has(lane)) this.violations.push(`lane ${lane} twice in a call`);
      names.add(lane);
      if (lane !== null && records.length > allowed.maxLaneMessages) this.violations.push("too many messages of a lane");
      const size = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
      if (records.every(({ headers }) => headers.length === 0) && size !== bytes) this.violations.push("wrong bytes");
      if (lane === null) continue;
      if (this.#open.has(lane)) this.violations.push(`lane ${lane} is in two unresolved calls`);
      this.#open.add(lane);
    }
    if (call.slices.length === 0) this.violations.push("an empty call");
    if (messages > allowed.maxCallMessages) this.violations.push("too many messages in a call");
    if (counted > (allowed.maxCallRecords ?? Infinity)) this.violations.push("too many records in a call");
    if (allowed.lanesPerCall === "one" && call.slices.length > 1) this.violations.push("several lanes in a call");
  }
}

export const stored: SliceResult = { outcome: "stored", partition: "0", timestampMs: 1, positionOf: () => "7" };
export const refused = (message = "no"): SliceResult & RecordResult => ({
  outcome: "refused",
  error: new StreamError("invalid-argument", message),
});
export const retryable = (retryAfterMs?: number): SliceResult & RecordResult => ({
  outcome: "retryable",
  error: new StreamError("throttled", "slow down"),
  retryAfterMs,
});
export const unknown = (): SliceResult & RecordResult => ({ outcome: "unknown", error: new StreamError("unavailable", "lost") });
/** A script that never answers: the test answers, by `driver.calls`. */
export const byHand: Script = () => new Promise(() => undefined);

const plain: Codec<string> = { encode: (value) => Buffer.from(value), decode: (bytes) => Buffer.from(bytes).toString() };

type FakeContext = TypedTopic<string> & { readonly tracked: Set<Closable> };

/** The connection as a producer sees it. `without`: capabilities that are off. */
export function fakeContext(
  driver: FakeProducerDriver,
  more: Partial<TypedTopic<string>> = {},
  without: readonly string[] = [],
): FakeContext {
  const tracked = new Set<Closable>();
  const classify = (error: unknown): StreamError =>
    isStreamError(error) ? error : new StreamError("internal", "unclassified", { cause: error });
  return {
    tracked,
    driver: { producer: () => driver } as unknown as ProviderDriver,
    provider: "fake",
    topic: "orders",
    nativeTopic: "native",
    nativeTopicOf: (topic) => topic,
    capabilities: OWN_CAPABILITIES,
    codec: plain,
    keyRule: undefined,
    tombstones: false,
    checkedGroup: (group) => ({ group, nativeGroup: undefined }),
    requireOpen: () => undefined,
    requireCapability: (capability, operation) => {
      if (without.includes(capability)) throw new StreamError("unsupported", `fake has no ${capability}`, { capability, operation });
    },
    retryForMs: () => 0,
    toError: (error, operation) => withContext(classify(error), { provider: "fake", topic: "orders", operation }),
    closing: new AbortController().signal,
    track: (part) => {
      tracked.add(part);
      return () => tracked.delete(part);
    },
    recordSender: () => {
      throw new Error("not used");
    },
    ...more,
  };
}

/** Waits, turn by turn, until something holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => (turn < 50 ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
  throw new Error("the condition did not become true");
}
