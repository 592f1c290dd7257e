import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { RetryBackoff, abortable, retrying } from "../../src/adapter-kit/index.ts";
import type {
  PartitionEnd,
  Place,
  RangePartition,
  RangeRequest,
  ReaderDriver,
  ReaderSink,
  ResolvedRange,
  StopPoint,
  StoredRecord,
} from "../../src/driver/index.ts";
import { classify, isCode, noSuchPartition, pubsubError } from "./errors.ts";
import { type ReceivedMessage, storedRecord } from "./records.ts";
import { PARTITION, type PubSubService } from "./service.ts";
import { AckCalls } from "./subscription/ack-calls.ts";
import { type SoughtPlace, placeOf, requireStart, soughtBy } from "./subscription/start-place.ts";
import { Leases } from "./subscription/leases.ts";
import { portions } from "./subscription/portions.ts";
import { PullStream } from "./subscription/pull-stream.ts";
import { Subscriptions } from "./subscription/subscriptions.ts";
import { describeTopic } from "./topic-directory.ts";
import { topicIdentity } from "./topic-identity.ts";

const DEADLINE_SECONDS = 60;
const FLOW = { messages: 2_000, bytes: 16 * 1_048_576 };
const ACK_MS = 50;
const REMEMBERED = 10_000;
const CLEAN_UP_MS = 5_000;

/** What `resolve` has opened. */
interface Opened {
  readonly subscription: string;
  readonly calls: AckCalls;
  readonly leases: Leases;
  /** On the monotonic clock. */
  readonly madeAtMs: number;
  /** On the monotonic clock: from here on a seek holds everywhere. */
  readonly settledAtMs: number;
}

/** Reads a topic through an ordered subscription of its own, which stands where the range begins and is deleted with the reader. */
export class PubSubReader implements ReaderDriver {
  readonly #service: PubSubService;
  readonly #topic: string;
  readonly #subscriptions: Subscriptions;
  readonly #closing = new AbortController();
  #opened: Opened | null = null;
  /** Names that may exist at the service, each with the request that makes it. */
  readonly #made = new Map<string, Promise<void>>();
  #toAcknowledge: string[] = [];
  #acknowledging: Promise<void> = Promise.resolve();
  #ackTimer: NodeJS.Timeout | null = null;
  /** What was handed out last: a copy of it that comes when it is acknowledged is no new message. */
  readonly #handedOut = new Set<string>();

  constructor(service: PubSubService, topic: string) {
    this.#service = service;
    this.#topic = topic;
    this.#subscriptions = new Subscriptions(service);
  }

  async resolve({ from, until, partitions }: RangeRequest, signal: AbortSignal): Promise<ResolvedRange> {
    const unknown = partitions?.find((partition) => partition !== PARTITION);
    if (unknown !== undefined) throw noSuchPartition(this.#topic, unknown, [PARTITION]);
    const end = endOf(this.#topic, until);
    const place = placeOf(this.#topic, from);
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const { connection } = this.#service;
    const described = await describeTopic(connection, this.#topic, both);
    requireStart(this.#service, this.#topic, described, place);
    if (place.kind === "mark") await this.#subscriptions.requireSnapshot(await connection.name("snapshots", place.name), both);
    const identity = await topicIdentity(connection, this.#topic);
    await this.#forget();
    const subscription = await this.#subscriptions.temporaryName();
    // Not aborted: a request that is given up may be carried out later, behind the one that deletes.
    const creation = this.#subscriptions.createTemporary(subscription, described.name, connection.closing);
    this.#made.set(subscription, creation);
    await abortable(creation, both);
    const sought = soughtBy(this.#service, place);
    if (sought !== null) await this.#moveTo(sought, subscription, both);
    const calls = new AckCalls(this.#service, this.#topic, subscription);
    const madeAtMs = performance.now();
    const settledAtMs = madeAtMs + (place.kind === "latest" ? 0 : this.#service.seekSettlingMs);
    this.#opened = { subscription, calls, leases: new Leases(calls, DEADLINE_SECONDS), madeAtMs, settledAtMs };
    return { identity, partitions: [{ partition: PARTITION, start: place, end, parents: [], gap: null }] };
  }

  async #moveTo(place: SoughtPlace, subscription: string, signal: AbortSignal): Promise<void> {
    const { connection } = this.#service;
    const target =
      place.kind === "mark"
        ? { snapshot: await connection.name("snapshots", place.name) }
        : { timestampMs: place.kind === "earliest" ? 0 : Math.max(0, place.timestampMs) };
    await this.#subscriptions.onFresh(signal, () => this.#subscriptions.seek(subscription, target, signal));
  }

  async read([range]: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    if (range === undefined) return;
    const opened = this.#require();
    const stop = new AbortController();
    const over = AbortSignal.any([signal, this.#closing.signal, stop.signal]);
    const { subscription, calls, leases } = opened;
    const check = async (): Promise<void> => undefined;
    const stream = new PullStream(
      this.#service,
      {
        topic: this.#topic,
        subscription,
        isFresh: true,
        deadlineSeconds: DEADLINE_SECONDS,
        flow: FLOW,
        silenceFromMs: opened.settledAtMs,
        check,
      },
      calls,
      leases,
    );
    const running = stream.run(over);
    // A failure of the stream ends the delivery.
    running.catch(() => stop.abort());
    try {
      await this.#deliver(stream, range.end, sink, over);
    } finally {
      stop.abort();
      await running;
    }
  }

  async #deliver(stream: PullStream, end: PartitionEnd, sink: ReaderSink, over: AbortSignal): Promise<void> {
    const untilMs = end?.kind === "stored-before" ? end.timestampMs : Infinity;
    const { quietMs } = this.#service;
    for (let isAtEnd = false; !over.aborted;) {
      const messages = await stream.next(isAtEnd ? null : quietMs, over);
      if (over.aborted) return;
      if (messages.length === 0) {
        isAtEnd = true;
        if (!sink.caughtUp(PARTITION)) return;
        continue;
      }
      isAtEnd = false;
      const records = this.#newOf(messages);
      const isInRange = ({ timestampMs }: StoredRecord): boolean => Number(timestampMs) < untilMs;
      const inRange = records.filter(isInRange);
      if (inRange.length < records.length) stream.withhold(records.filter((record) => !isInRange(record)));
      for (const portion of portions(inRange, FLOW.bytes)) if (!(await sink.deliver(PARTITION, portion))) return;
    }
  }

  #newOf(messages: readonly ReceivedMessage[]): StoredRecord[] {
    const records = messages.map(storedRecord);
    const old = records.filter(({ position }) => this.#handedOut.has(position));
    for (const { position } of old) this.#acknowledgeSoon(position);
    return old.length === 0 ? records : records.filter(({ position }) => !this.#handedOut.has(position));
  }

  handedOut(_partition: string, { position }: StoredRecord): void {
    this.#remember(position);
    this.#acknowledgeSoon(position);
  }

  #acknowledgeSoon(position: string): void {
    this.#toAcknowledge.push(position);
    this.#ackTimer ??= setTimeout(() => {
      this.#ackTimer = null;
      // Tried until it succeeds; a bookmark waits for it.
      const backoff = new RetryBackoff({ report: this.#service.report, topic: this.#topic, classify });
      const { signal } = this.#closing;
      void retrying("Acknowledge", backoff, signal, () => this.#acknowledge(signal)).catch(() => undefined);
    }, ACK_MS);
  }

  /** Acknowledges all that was handed out until now, one request at a time. @throws what can be tried again */
  #acknowledge(signal: AbortSignal): Promise<void> {
    this.#acknowledging = this.#acknowledgeAfter(this.#acknowledging, signal);
    return this.#acknowledging;
  }

  async #acknowledgeAfter(earlier: Promise<void>, signal: AbortSignal): Promise<void> {
    await earlier.catch(() => undefined);
    const positions = this.#toAcknowledge;
    this.#toAcknowledge = [];
    try {
      await this.#require().leases.acknowledge(positions, signal);
    } catch (error) {
      this.#toAcknowledge = [...positions, ...this.#toAcknowledge];
      throw error;
    }
  }

  #remember(position: string): void {
    this.#handedOut.add(position);
    for (const oldest of this.#handedOut) {
      if (this.#handedOut.size <= REMEMBERED) break;
      this.#handedOut.delete(oldest);
    }
  }

  async mark(signal: AbortSignal): Promise<ReadonlyMap<string, Place>> {
    const { subscription, madeAtMs } = this.#require();
    await this.#acknowledge(signal);
    const name = await this.#subscriptions.onFresh(signal, () => this.#subscriptions.snapshot(subscription, signal), madeAtMs);
    return new Map([[PARTITION, { kind: "mark", name }]]);
  }

  #require(): Opened {
    if (this.#opened === null) throw pubsubError("internal", "the reader was used before its range was resolved", { topic: this.#topic });
    return this.#opened;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#ackTimer !== null) clearTimeout(this.#ackTimer);
    await this.#acknowledging.catch(() => undefined);
    await this.#forget();
  }

  /** Deletes the subscriptions. What cannot be deleted now the service removes after a day. */
  async #forget(): Promise<void> {
    this.#opened?.leases.close();
    this.#opened = null;
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    const backoff = new RetryBackoff({ report: this.#service.report, topic: this.#topic, classify });
    const deletions = [...this.#made].map(async ([name, creation]) => {
      await abortable(creation, signal).catch(() => undefined);
      await retrying("DeleteSubscription", backoff, signal, () => this.#subscriptions.delete(name, signal)).catch((error: unknown) => {
        if (!isCode(error, 5)) throw error;
      });
      this.#made.delete(name);
    });
    await Promise.allSettled(deletions);
  }
}

function endOf(topic: string, until: StopPoint): PartitionEnd {
  if (until === null) return null;
  if (until.kind === "now") return { kind: "quiet" };
  if (until.kind === "timestamp") return { kind: "stored-before", timestampMs: until.timestampMs };
  throw pubsubError("unsupported", "Pub/Sub cannot end a range at a message or a bookmark: use now or a time", {
    topic,
    capability: "endAtBookmark",
  });
}
