import { performance } from "node:perf_hooks";
import { groupHandler } from "../../src/adapter-kit/index.ts";
import type { Assignment, ConsumerDriver, ConsumerSettings, Settlement, Sink, StoredRecord, StreamError } from "../../src/driver/index.ts";
import { classify, groupNotFound, pubsubError } from "./errors.ts";
import { storedRecord } from "./records.ts";
import { portions } from "./subscription/portions.ts";
import { subscriptionOf } from "./resource-name.ts";
import { PARTITION, type PubSubService } from "./service.ts";
import { AckCalls } from "./subscription/ack-calls.ts";
import { type Ensured, GroupSubscriptions, withoutOrder } from "./subscription/group-subscription.ts";
import { Leases } from "./subscription/leases.ts";
import { PullStream } from "./subscription/pull-stream.ts";
import { topicIdentity } from "./topic-identity.ts";

/** https://cloud.google.com/pubsub/docs/lease-management: a lease is 10 to 600 s; a longer one would hold back a dead member's messages. */
const LEAST_SESSION_MS = 10_000;
const MOST_DEADLINE_SECONDS = 60;
const MOST_OUTSTANDING = 2_000;
/** Handled messages count as outstanding until they are settled: so much more may be, so that the stream does not wait for that. */
const UNSETTLED_BYTES = 4 * 1_048_576;
const GIVE_BACK_MS = 5_000;

interface Joined {
  readonly assignment: Assignment;
  readonly leases: Leases;
  readonly over: AbortController;
  readonly running: Promise<void>;
}

/** One member of a group: a stream of the group's subscription. Who gets what the service decides, by key. */
export class PubSubConsumer implements ConsumerDriver {
  readonly settlementUnit = "record";
  /** Half of what may be outstanding, so that the other half is on its way meanwhile. */
  readonly settleWithin = { ms: 50, messages: MOST_OUTSTANDING / 2 };
  readonly #service: PubSubService;
  readonly #topic: string;
  readonly #settings: ConsumerSettings;
  readonly #closing = new AbortController();
  #joined: Joined | null = null;
  /** Everything is given back. */
  #left: Promise<void> | null = null;

  constructor(service: PubSubService, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topic = topic;
    this.#settings = settings;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const { sessionTimeoutMs, initialPosition, group } = this.#settings;
    if (sessionTimeoutMs < LEAST_SESSION_MS) {
      const text = `sessionTimeoutMs must be at least ${LEAST_SESSION_MS}, the shortest lease of the service; received ${sessionTimeoutMs}`;
      throw pubsubError("invalid-argument", text, { topic: this.#topic });
    }
    const joining = AbortSignal.any([signal, this.#closing.signal]);
    const groups = new GroupSubscriptions(this.#service);
    const identity = await topicIdentity(this.#service.connection, this.#topic);
    const ensured = await groups.ensure(this.#topic, subscriptionOf(this.#topic, this.#settings), initialPosition, joining);
    if (ensured === null) {
      sink.failed(groupNotFound(this.#topic, this.#settings.nativeGroup ?? group));
      return;
    }
    joining.throwIfAborted();
    const assignment: Assignment = { partition: PARTITION, identity, start: null, epoch: null, ahead: null, resumes: null };
    sink.assigned(assignment);
    sink.joined();
    this.#joined = this.#pull(groups, ensured, assignment, sink);
  }

  #pull(groups: GroupSubscriptions, { name: subscription, isFresh, isChecked }: Ensured, assignment: Assignment, sink: Sink): Joined {
    const topic = this.#topic;
    const deadlineSeconds = Math.min(MOST_DEADLINE_SECONDS, Math.floor(this.#settings.sessionTimeoutMs / 1_000));
    const calls = new AckCalls(this.#service, topic, subscription);
    const leases = new Leases(calls, deadlineSeconds);
    const over = new AbortController();
    const check = async (signal: AbortSignal): Promise<void> => {
      const found = await groups.calls.find(subscription, signal).catch((error: unknown) => {
        if (classify(error).code === "permission-denied") return null;
        throw error;
      });
      if (found !== null) await groups.check(topic, found);
    };
    const flow = { messages: MOST_OUTSTANDING, bytes: this.#settings.maxBufferedBytes + UNSETTLED_BYTES };
    let isJoined = true;
    const interrupted = (): void => {
      isJoined = false;
      if (!over.signal.aborted) sink.rejoining();
    };
    const answered = (): void => {
      if (!isJoined && !over.signal.aborted) sink.joined();
      isJoined = true;
    };
    // Silence is none while the seek of a new subscription does not hold yet, nor while a dead member may hold messages of an old one.
    const silenceFromMs = performance.now() + (isFresh ? this.#service.seekSettlingMs : this.#settings.sessionTimeoutMs);
    const unordered = isChecked ? undefined : withoutOrder(topic, subscription);
    const settings = { topic, subscription, isFresh, deadlineSeconds, flow, silenceFromMs, check, unordered, interrupted, answered };
    const stream = new PullStream(this.#service, settings, calls, leases);
    const failed = (error: unknown): void => {
      if (!over.signal.aborted) sink.failed(classify(error));
    };
    const running = Promise.all([
      stream.run(over.signal).catch(failed),
      this.#deliver(stream, assignment, sink, over.signal).catch(failed),
    ]);
    return { assignment, leases, over, running: running.then(() => undefined) };
  }

  async #deliver(stream: PullStream, assignment: Assignment, sink: Sink, over: AbortSignal): Promise<void> {
    const handler = groupHandler(sink, assignment, over);
    for (let isAtEnd = false; !over.aborted;) {
      const messages = await stream.next(isAtEnd ? null : this.#service.quietMs, over);
      if (over.aborted) return;
      if (messages.length === 0) {
        // Silence is the only sign of the end.
        isAtEnd = true;
        handler.caughtUp(null);
        continue;
      }
      isAtEnd = false;
      for (const records of portions(messages.map(storedRecord), this.#settings.maxBufferedBytes)) {
        if (!(await handler.deliver(records))) return;
      }
    }
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    const results: (StreamError | null)[] = [];
    for (const { records } of settlements) results.push(await this.#settleOne(records, signal));
    return results;
  }

  async #settleOne(records: readonly StoredRecord[], signal: AbortSignal): Promise<StreamError | null> {
    if (this.#joined === null)
      return pubsubError("internal", "the consumer was used before it had joined its group", { topic: this.#topic });
    try {
      await this.#joined.leases.acknowledge(
        records.map(({ position }) => position),
        signal,
      );
      return null;
    } catch (error) {
      signal.throwIfAborted();
      return classify(error);
    }
  }

  /** The member ends with its only assignment. */
  release(assignment: Assignment): void {
    if (this.#joined?.assignment === assignment) void this.#leave(this.#joined);
  }

  /** What is given back while the stream is open comes to this member again, behind later messages of its key. */
  #leave(joined: Joined): Promise<void> {
    joined.over.abort();
    this.#left ??= joined.running.then(() => this.#giveBack(joined));
    return this.#left;
  }

  /** All at once, in the order in which it came. */
  async #giveBack({ leases }: Joined): Promise<void> {
    try {
      await leases.release(leases.outstanding, AbortSignal.timeout(GIVE_BACK_MS));
    } catch {
      // They come again when their leases have run out.
    } finally {
      leases.close();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#joined !== null) await this.#leave(this.#joined);
  }
}
