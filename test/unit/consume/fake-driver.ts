import type { Capabilities, Capability, Limits } from "../../../src/capabilities.ts";
import type { Codec } from "../../../src/codec/codec.ts";
import { createConsumer } from "../../../src/consume/consumer.ts";
import type { Consumer, ConsumerOptions } from "../../../src/consume/consumer-types.ts";
import type { Assignment, ConsumerDriver, ConsumerSettings, Settlement, Sink } from "../../../src/driver/consumer-driver.ts";
import type { ProviderDriver } from "../../../src/driver/provider-driver.ts";
import type { OutgoingRecord, StoredRecord } from "../../../src/driver/record.ts";
import { StreamError, withContext } from "../../../src/errors.ts";
import type { RecordSender } from "../../../src/record-sender.ts";
import type { Closable } from "../../../src/connection-services.ts";
import type { TopicContext, TypedTopic } from "../../../src/topic-context.ts";
import { pickyText } from "./fake-codec.ts";

export const IDENTITY = { cluster: "fake-cluster", topic: "orders", incarnation: "1" };

let assignments = 0;

export function assignment(partition = "0", more: Partial<Pick<Assignment, "ahead" | "resumes">> = {}): Assignment {
  assignments += 1;
  return { partition, identity: IDENTITY, start: null, epoch: String(assignments), ahead: null, resumes: null, ...more };
}

/** A record whose value is its position, so that a test knows which messages were handled. */
export function record(position: number, key: string | null = null, more: Partial<StoredRecord> = {}): StoredRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(String(position)),
    headers: [],
    timestampMs: 1_700_000_000_000 + position,
    position: String(position),
    bytes: 10,
    deliveryAttempt: null,
    native: null,
    ...more,
  };
}

/** Records 0, 1, 2… with these keys; `-` is none. */
export function records(keys: string, first = 0): StoredRecord[] {
  return [...keys].map((key, index) => record(first + index, key === "-" ? null : key));
}

/** A driver that does only what the test asks for. */
class FakeConsumerDriver implements ConsumerDriver {
  readonly settlementUnit: "position" | "record";
  settleWithin: ConsumerDriver["settleWithin"];
  sink: Sink | null = null;
  settings: ConsumerSettings | null = null;
  readonly settlements: Settlement[] = [];
  readonly released: StoredRecord[] = [];
  closed = 0;
  settling = 0;
  mostSettling = 0;
  /** The results of the next settlements; then `null`. */
  readonly answers: (StreamError | null)[] = [];
  /** Does it report to the sink by itself that it has joined, when it has started? */
  reportsJoined = true;
  onStart: (signal: AbortSignal) => Promise<void> = async () => {};
  onSettle: (settlements: readonly Settlement[], signal: AbortSignal) => Promise<void> = async () => {};

  constructor(settlementUnit: "position" | "record") {
    this.settlementUnit = settlementUnit;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    this.sink = sink;
    await this.onStart(signal);
    if (this.reportsJoined) sink.joined();
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    this.settling += 1;
    this.mostSettling = Math.max(this.mostSettling, this.settling);
    try {
      await this.onSettle(settlements, signal);
      return settlements.map((settlement) => {
        const answer = this.answers.shift() ?? null;
        if (answer === null) this.settlements.push(settlement);
        return answer;
      });
    } finally {
      this.settling -= 1;
    }
  }

  release(_assignment: Assignment, unhandled: readonly StoredRecord[]): void {
    this.released.push(...unhandled);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }

  /** How far this assignment is committed. */
  through(of: Assignment): string | null {
    return this.settlements.findLast((settlement) => settlement.assignment === of && settlement.through !== null)?.through ?? null;
  }
}

interface FakeSender {
  readonly topic: string;
  readonly sent: OutgoingRecord[];
  limits: { -readonly [Name in keyof Limits]: Limits[Name] };
  exactHeaders: boolean;
  prepareError: StreamError | null;
  sendError: StreamError | null;
  beforeSend: () => Promise<void>;
  closed: number;
}

export interface Bench {
  readonly driver: FakeConsumerDriver;
  readonly tracked: Set<Closable>;
  readonly senders: Map<string, FakeSender>;
  readonly context: TypedTopic<string, never>;
  readonly consumer: (options?: Partial<ConsumerOptions>) => Consumer<string>;
  /** The sink, once the consumer has joined. */
  readonly sink: () => Promise<Sink>;
  readonly sender: (topic: string) => FakeSender;
}

export interface BenchOptions {
  unit?: "position" | "record";
  tombstones?: boolean;
  codec?: Codec<string>;
  without?: readonly Capability[];
  driver?: Partial<ProviderDriver>;
}

/** A topic on the fake driver. */
export function bench(options: BenchOptions = {}): Bench {
  const driver = new FakeConsumerDriver(options.unit ?? "position");
  const tracked = new Set<Closable>();
  const senders = new Map<string, FakeSender>();
  const sender = (topic: string): FakeSender => {
    let known = senders.get(topic);
    if (known === undefined) {
      const limits = { messageBytes: 1_000_000, keyBytes: 1_000, headerBytes: 1_000_000 };
      known = { topic, sent: [], limits, exactHeaders: true, prepareError: null, sendError: null, beforeSend: async () => {}, closed: 0 };
      senders.set(topic, known);
    }
    return known;
  };
  const provider: Partial<ProviderDriver> = {
    provider: "fake",
    consumer: (_topic, settings) => {
      driver.settings = settings;
      return driver;
    },
    identity: async () => IDENTITY,
    compare: (a, b) => Number(a) - Number(b),
    ...options.driver,
  };
  const missing = new Set<string>(options.without);
  const context: TypedTopic<string, never> = {
    driver: provider as ProviderDriver,
    provider: "fake",
    topic: "orders",
    nativeTopic: "orders",
    nativeTopicOf: (topic) => {
      if (topic.includes(" ")) throw new StreamError("invalid-argument", `invalid topic name ${JSON.stringify(topic)}: no blanks`);
      return topic === "orders-by-another-name" ? "orders" : topic;
    },
    capabilities: Object.fromEntries(
      ["lagInMessages", "lagInTime", "handledAhead"].map((name) => [name, !missing.has(name)]),
    ) as unknown as TopicContext["capabilities"],
    codec: options.codec ?? pickyText(),
    keyRule: undefined,
    tombstones: options.tombstones ?? false,
    checkedGroup: (group) => ({ group, nativeGroup: undefined }),
    requireOpen: () => {},
    requireCapability: (capability) => {
      if (missing.has(capability)) throw new StreamError("unsupported", `no ${capability}`, { capability });
    },
    retryForMs: () => 0,
    toError: (error, operation) =>
      withContext(error instanceof StreamError ? error : new StreamError("internal", "unknown", { cause: error }), {
        provider: "fake",
        topic: "orders",
        operation,
      }),
    closing: new AbortController().signal,
    track: (part) => {
      tracked.add(part);
      return () => tracked.delete(part);
    },
    recordSender: (topic): RecordSender => {
      const fake = sender(topic);
      return {
        prepare: async () => {
          if (fake.prepareError !== null) throw fake.prepareError;
        },
        limits: fake.limits,
        get capabilities() {
          return { exactHeaders: fake.exactHeaders } as Capabilities;
        },
        recordBytes: (outgoing) =>
          (outgoing.value?.length ?? 0) + outgoing.headers.reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0),
        sendRecord: async (outgoing) => {
          await fake.beforeSend();
          if (fake.sendError !== null) throw fake.sendError;
          fake.sent.push(outgoing);
          return { partition: null, position: null, timestamp: null };
        },
        close: async () => {
          fake.closed += 1;
        },
      };
    },
  };
  return {
    driver,
    tracked,
    senders,
    context,
    sender,
    consumer: (more = {}) =>
      createConsumer(context, { group: "billing", retry: { initialDelayMs: 1, maxDelayMs: 2 }, commit: { everyMs: 1 }, ...more }),
    sink: async () => {
      await until(() => driver.sink !== null);
      return driver.sink!;
    },
  };
}

/** Waits, a turn of the event loop at a time, until it holds; fails after two seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 2_000;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`this never held: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A few turns of the event loop, for what must not happen. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The error with which a promise rejects. */
export async function rejection(promise: Promise<unknown>): Promise<StreamError> {
  try {
    await promise;
  } catch (error) {
    return error as StreamError;
  }
  throw new Error("it did not reject");
}

/** Handlers that settle when the test says so. */
export class Gate {
  readonly started: string[] = [];
  readonly #open = new Map<string, PromiseWithResolvers<void>>();

  enter(value: string): Promise<void> {
    this.started.push(value);
    const outcome = Promise.withResolvers<void>();
    this.#open.set(value, outcome);
    return outcome.promise;
  }

  get running(): string[] {
    return [...this.#open.keys()];
  }

  finish(value: string): void {
    this.#take(value).resolve();
  }

  fail(value: string, error: unknown = new Error("refused")): void {
    this.#take(value).reject(error);
  }

  #take(value: string): PromiseWithResolvers<void> {
    const outcome = this.#open.get(value);
    if (outcome === undefined) throw new Error(`${value} does not run`);
    this.#open.delete(value);
    return outcome;
  }
}
