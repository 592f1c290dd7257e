import { RetryBackoff, pause, retrying } from "../../src/adapter-kit/index.ts";
import type { ConsumerDriver, ConsumerSettings, Settlement, Sink, StreamError } from "../../src/driver/index.ts";
import { type KafkaClient, KafkaProtocolError } from "./client/kafka-client.ts";
import { classify, groupNotFound, kafkaError } from "./errors.ts";
import { Coordinator, isCoordinatorGone } from "./group/coordinator.ts";
import { nativeGroupName } from "./group/group-name.ts";
import { GroupOffsets } from "./group/group-offsets.ts";
import { JoinedMember } from "./group/joined-member.ts";
import { warnOfNamesake } from "./group/native-namesake.ts";
import { TopicWatch } from "./group/topic-watch.ts";
import type { KafkaService } from "./service.ts";

/** The member leaves its group within this time. If it cannot, the group removes it after the session time-out. */
const LEAVE_MS = 2_000;
/** After a moved coordinator or a broken connection, the leave is retried: the other members should not wait for the session time-out. */
const LEAVE_RETRY_DELAYS_MS = [50, 100, 200];

/** A consumer in a group: finds the topic, joins with a `JoinedMember`, and leaves. */
export class KafkaConsumer implements ConsumerDriver {
  readonly settlementUnit = "position";
  readonly #service: KafkaService;
  readonly #topic: string;
  readonly #settings: ConsumerSettings;
  /** The native name. */
  readonly #group: string;
  readonly #joinClient: KafkaClient;
  readonly #client: KafkaClient;
  readonly #coordinator: Coordinator;
  readonly #closing = new AbortController();
  /** Absent until the topic is known. */
  #member: JoinedMember | undefined;

  constructor(service: KafkaService, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topic = topic;
    this.#settings = settings;
    this.#group = nativeGroupName(topic, settings.group, settings.nativeGroup);
    this.#joinClient = service.client.dedicated();
    this.#client = service.client.dedicated();
    this.#coordinator = new Coordinator(this.#client, this.#group);
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const abandon = (): void => this.#closing.abort(signal.reason);
    if (signal.aborted) abandon();
    else signal.addEventListener("abort", abandon, { once: true });
    try {
      this.#member = await this.#prepareMember(sink, this.#closing.signal);
      await this.#member.join();
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  async #prepareMember(sink: Sink, closing: AbortSignal): Promise<JoinedMember> {
    const { directory, report, metadataBound } = this.#service;
    const watch = await TopicWatch.open(directory, this.#topic, report, () => this.#member?.rejoin(), closing);
    const offsets = new GroupOffsets(this.#client, this.#coordinator, this.#group, watch.known, metadataBound);
    if (this.#settings.initialPosition === "fail") await this.#requirePosition(offsets, watch.known.partitions);
    if (this.#settings.nativeGroup === undefined) {
      void warnOfNamesake(this.#service, this.#client, watch.known, this.#settings.group, closing);
    }
    const services = { service: this.#service, joinClient: this.#joinClient, client: this.#client, watch, offsets };
    return new JoinedMember(services, this.#group, this.#settings, sink, closing);
  }

  /** The check comes before the join: a join would create a group that does not exist. */
  async #requirePosition(offsets: GroupOffsets, partitions: readonly number[]): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new RetryBackoff({ report: this.#service.report, topic: this.#topic, classify });
    const committed = await retrying("OffsetFetch", backoff, signal, () => offsets.committed(partitions, signal));
    if (committed.size === 0) throw groupNotFound(this.#topic, this.#settings.group);
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    if (this.#member === undefined) throw kafkaError("closed", "the consumer has not joined its group", { topic: this.#topic });
    return this.#member.settle(settlements, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort(kafkaError("closed", "the consumer is closed", { topic: this.#topic }));
    if (this.#member !== undefined) {
      this.#member.stopFetching();
      await this.#leave(this.#member);
    }
    await Promise.all([this.#joinClient.close(), this.#client.close()]);
  }

  async #leave(member: JoinedMember): Promise<void> {
    const signal = AbortSignal.timeout(LEAVE_MS);
    for (const pauseMs of [...LEAVE_RETRY_DELAYS_MS, null]) {
      try {
        const memberId = await member.assignedId(signal);
        if (memberId === "") return;
        await this.#coordinator.ask(signal, (brokerId) => this.#client.leaveGroup(brokerId, { group: this.#group, memberId }, signal));
        return;
      } catch (error) {
        const isAnswer = error instanceof KafkaProtocolError && !isCoordinatorGone(error.errorCode);
        if (isAnswer || pauseMs === null || signal.aborted) return;
        await pause(pauseMs, signal);
      }
    }
  }
}
