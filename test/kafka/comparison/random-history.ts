import { setTimeout as delay } from "node:timers/promises";
import { addPartitionsToTxnApi } from "../../../localstack/kafka/broker/requests/add-partitions-to-txn.ts";
import { createTopicsApi } from "../../../localstack/kafka/broker/requests/create-topics.ts";
import { deleteRecordsApi } from "../../../localstack/kafka/broker/requests/delete-records.ts";
import { endTxnApi } from "../../../localstack/kafka/broker/requests/end-txn.ts";
import { fetchApi } from "../../../localstack/kafka/broker/requests/fetch.ts";
import { findCoordinatorApi } from "../../../localstack/kafka/broker/requests/find-coordinator.ts";
import { heartbeatApi } from "../../../localstack/kafka/broker/requests/heartbeat.ts";
import { initProducerIdApi } from "../../../localstack/kafka/broker/requests/init-producer-id.ts";
import { joinGroupApi } from "../../../localstack/kafka/broker/requests/join-group.ts";
import { leaveGroupApi } from "../../../localstack/kafka/broker/requests/leave-group.ts";
import { listOffsetsApi } from "../../../localstack/kafka/broker/requests/list-offsets.ts";
import { offsetCommitApi } from "../../../localstack/kafka/broker/requests/offset-commit.ts";
import { offsetFetchApi } from "../../../localstack/kafka/broker/requests/offset-fetch.ts";
import { offsetForLeaderEpochApi } from "../../../localstack/kafka/broker/requests/offset-for-leader-epoch.ts";
import { produceApi } from "../../../localstack/kafka/broker/requests/produce.ts";
import { syncGroupApi } from "../../../localstack/kafka/broker/requests/sync-group.ts";
import { batch, valuesIn } from "./batches.ts";
import { subscription } from "./group-probe.ts";
import type { Target } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const PARTITIONS = 2;
const NO_ID = -1n;
/** The time of the newest message, counted from the first one. */
const LAST_MS = 200_000;
const TRANSACTIONAL = 0x10;
const MEMBER_ID_REQUIRED = 79;
/** A server has coordinators of transactions only after the first request for one. */
const OF_TRANSACTIONS = 1;
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS: a server has not finished the previous request. */
const NOT_YET: ReadonlySet<number> = new Set([14, 15, 16, 51]);
/** The markers of a transaction that a new producer has ended are written a moment later. */
const MARKERS_MS = 60;

interface ProducerState {
  id: bigint;
  epoch: number;
  readonly next: number[];
}

/** A description of the step, and its outcome. */
export type Step = readonly [what: string, outcome: unknown];

/**
 * One random history of one client on a new topic. The seed and the earlier outcomes decide each request, so two servers with
 * the same outcomes get the same requests.
 */
export class RandomHistory {
  readonly #random: () => number;
  readonly #target: Target;
  readonly #client: RawClient;
  readonly #topic: string;
  readonly #ends = Array.from({ length: PARTITIONS }, () => 0);
  readonly #beganMs: number;
  readonly #producers: ProducerState[] = Array.from({ length: 3 }, () => ({ id: NO_ID, epoch: 0, next: [0, 0] }));
  readonly #transactional: ProducerState = { id: NO_ID, epoch: 0, next: [0, 0] };
  readonly #group: string;
  #memberId = "";
  #generation = -1;

  private constructor(seed: number, beganMs: number, target: Target, client: RawClient, topic: string) {
    this.#random = randomOf(seed);
    this.#beganMs = beganMs;
    this.#target = target;
    this.#client = client;
    this.#topic = topic;
    this.#group = target.name(`group-${seed}`);
  }

  /** @param beganMs the time of the first message; the same for all compared servers */
  static async run(seed: number, steps: number, beganMs: number, target: Target): Promise<readonly Step[]> {
    const topic = await target.topic(`history-${seed}`, PARTITIONS, { "retention.ms": "-1" });
    await using client = await target.raw();
    await untilDone(
      () => client.call(findCoordinatorApi, 2, { key: target.name("any"), keyType: OF_TRANSACTIONS, coordinatorKeys: [] }),
      ({ errorCode }) => errorCode,
    );
    const history = new RandomHistory(seed, beganMs, target, client, topic);
    const taken: Step[] = [];
    for (let step = 0; step < steps; step += 1) {
      const [what, outcome] = await history.#step();
      taken.push([what, target.plain(outcome)]);
    }
    return taken;
  }

  #step(): Promise<Step> {
    return this.#pick<() => Promise<Step>>(
      [6, () => this.#produce()],
      [6, () => this.#fetch()],
      [3, () => this.#list()],
      [1, () => this.#deleteRecords()],
      [1, () => this.#epochEnd()],
      [2, () => this.#initProducer()],
      [3, () => this.#transaction()],
      [1, () => this.#join()],
      [4, () => this.#beMember()],
      [3, () => this.#commit()],
      [1, () => this.#createTopic()],
    )();
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<Item>(...choices: readonly (readonly [weight: number, item: Item])[]): Item {
    let at = this.#random() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of choices) {
      at -= weight;
      if (at < 0) return item;
    }
    return choices.at(-1)![1];
  }

  #partition(): number {
    return this.#pick([20, 0], [20, 1], [1, 2], [1, -1]);
  }

  async #produce(
    producer = this.#pick<ProducerState | null>([2, null], [1, this.#producers[0]!], [1, this.#producers[1]!], [1, this.#producers[2]!]),
  ): Promise<Step> {
    const index = this.#partition();
    const count = 1 + this.#below(4);
    const expected = producer?.next[index] ?? 0;
    const isOfTransaction = producer === this.#transactional;
    const baseSequence =
      producer === null || producer.id === NO_ID
        ? -1
        : this.#pick([8, expected], [1, 0], [1, Math.max(0, expected - count)], [1, expected + 1], [1, this.#below(9)]);
    const epoch = producer === null || producer.id === NO_ID ? -1 : producer.epoch + this.#pick([12, 0], [1, 1], [1, -1]);
    const header = {
      producerId: producer?.id ?? NO_ID,
      producerEpoch: epoch,
      baseSequence,
      baseTimestampMs: this.#beganMs + this.#below(100) * 1_000,
      attributes: isOfTransaction && producer.id !== NO_ID ? TRANSACTIONAL : 0,
    };
    const contents = Array.from({ length: count }, (_, at) => ({ value: `v${this.#below(1_000)}`, timestampDelta: at * this.#below(3) }));
    const transactionalId = isOfTransaction ? this.#transactionalId : null;
    const acks = this.#pick([9, -1], [3, 1], [1, 2]);
    const topicData = [{ name: this.#topic, topicId: "", partitionData: [{ index, records: [batch(contents, header)] }] }];
    const { responses } = await this.#client.call(produceApi, 8, { transactionalId, acks, timeoutMs: 5_000, topicData });
    const { errorCode, baseOffset, logStartOffset, logAppendTimeMs } = responses[0]!.partitionResponses[0]!;
    if (errorCode === 0) {
      this.#ends[index] = Math.max(this.#ends[index]!, Number(baseOffset) + count);
      if (producer !== null && baseSequence >= 0 && Number(baseOffset) + count === this.#ends[index])
        producer.next[index] = baseSequence + count;
    }
    const what = `produce ${count} to ${index}, acks ${acks}, sequence ${baseSequence} of epoch ${epoch}${isOfTransaction ? " in a transaction" : ""}`;
    return [
      what,
      {
        errorCode,
        baseOffset,
        logStartOffset,
        logAppendTimeMs: this.#timeOf(logAppendTimeMs),
      },
    ];
  }

  async #fetch(): Promise<Step> {
    const partition = this.#partition();
    const fetchOffset = BigInt(this.#below((this.#ends[partition] ?? 0) + 4) - 1);
    const version = 4 + this.#below(9);
    const isolationLevel = this.#below(2);
    const partitionMaxBytes = this.#pick([1, 0], [1, 1], [2, 150], [4, 100_000]);
    const maxBytes = this.#pick([1, 1], [1, 100], [6, 1_000_000]);
    const currentLeaderEpoch = this.#pick([9, -1], [2, 0], [1, 1]);
    const lastFetchedEpoch = this.#pick([3, -1], [3, 0], [1, 1]);
    const partitions = [{ partition, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, logStartOffset: -1n, partitionMaxBytes }];
    const answer = await this.#client.call(fetchApi, version, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes,
      isolationLevel,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: this.#topic, topicId: "", partitions }],
      forgottenTopicsData: [],
      rackId: "",
    });
    const { records, highWatermark, lastStableOffset, logStartOffset, errorCode, divergingEpoch, abortedTransactions } =
      answer.responses[0]!.partitions[0]!;
    const aborted = abortedTransactions?.map(({ firstOffset }) => firstOffset) ?? null;
    const what = `fetch ${version} from ${partition} at ${fetchOffset}, ${partitionMaxBytes} of ${maxBytes} bytes, isolation ${isolationLevel}, epochs ${currentLeaderEpoch} and ${lastFetchedEpoch}`;
    return [what, { errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, divergingEpoch, values: valuesIn(records) }];
  }

  async #list(): Promise<Step> {
    const partitionIndex = this.#partition();
    const timestamp = this.#pick([1, -1], [1, -2], [1, -3], [1, -4], [4, this.#beganMs + this.#below(110) * 1_000]);
    const isolationLevel = this.#below(2);
    const version = 4 + this.#below(6);
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex, timestamp }] }];
    const answer = await this.#client.call(listOffsetsApi, version, { replicaId: -1, isolationLevel, topics, timeoutMs: 5_000 });
    const { errorCode, offset, timestamp: found, leaderEpoch } = answer.topics[0]!.partitions[0]!;
    const asked = timestamp < 0 ? timestamp : `+${timestamp - this.#beganMs}`;
    return [
      `list ${version} of ${partitionIndex} at ${asked}, isolation ${isolationLevel}`,
      { errorCode, offset, found: this.#timeOf(Number(found)), leaderEpoch },
    ];
  }

  /** A marker has the time of the server. */
  #timeOf(timestampMs: number): number | string {
    if (timestampMs < 0) return timestampMs;
    return timestampMs - this.#beganMs > LAST_MS ? "of a marker" : timestampMs - this.#beganMs;
  }

  async #deleteRecords(): Promise<Step> {
    const partitionIndex = this.#partition();
    const offset = BigInt(this.#below((this.#ends[partitionIndex] ?? 0) + 3) - 1);
    const request = { topics: [{ name: this.#topic, partitions: [{ partitionIndex, offset }] }], timeoutMs: 5_000 };
    const { topics } = await this.#client.call(deleteRecordsApi, 1, request);
    return [`delete of ${partitionIndex} before ${offset}`, topics[0]!.partitions[0]];
  }

  async #epochEnd(): Promise<Step> {
    const partition = this.#partition();
    const leaderEpoch = this.#below(4) - 1;
    const partitions = [{ partition, currentLeaderEpoch: this.#pick([3, -1], [1, 0], [1, 1]), leaderEpoch }];
    const { topics } = await this.#client.call(offsetForLeaderEpochApi, 4, { topics: [{ topic: this.#topic, partitions }] });
    return [`end of epoch ${leaderEpoch} in ${partition}`, topics[0]!.partitions[0]];
  }

  get #transactionalId(): string {
    return this.#group;
  }

  async #initProducer(): Promise<Step> {
    const isTransactional = this.#below(2) === 0;
    const producer = isTransactional ? this.#transactional : this.#producers[this.#below(3)]!;
    const transactionalId = isTransactional ? this.#transactionalId : null;
    const isNew = !isTransactional || this.#below(3) > 0 || producer.id === NO_ID;
    const claim = isNew
      ? { producerId: NO_ID, producerEpoch: -1 }
      : { producerId: producer.id, producerEpoch: producer.epoch + this.#pick([3, 0], [1, 1], [1, -1]) };
    const ask = () => this.#client.call(initProducerIdApi, 4, { transactionalId, transactionTimeoutMs: 60_000, ...claim });
    const answer = await untilDone(ask, ({ errorCode }) => errorCode);
    const { errorCode, producerId, producerEpoch } = answer;
    const isSame = producerId === producer.id;
    if (errorCode === 0)
      Object.assign(producer, { id: producerId, epoch: producerEpoch, next: isTransactional || !isSame ? [0, 0] : producer.next });
    await delay(MARKERS_MS);
    return [
      `init ${isTransactional ? "a transactional" : "a"} producer, ${isNew ? "new" : `of epoch ${claim.producerEpoch}`}`,
      { errorCode, producerEpoch, isSame },
    ];
  }

  async #transaction(): Promise<Step> {
    const { id, epoch } = this.#transactional;
    const producerEpoch = epoch + this.#pick([9, 0], [1, 1], [1, -1]);
    if (this.#below(2) === 0) {
      const index = this.#below(PARTITIONS);
      const ask = () =>
        this.#client.call(addPartitionsToTxnApi, 3, {
          v3AndBelowTransactionalId: this.#transactionalId,
          v3AndBelowProducerId: id,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: [{ name: this.#topic, partitions: [index] }],
        });
      const codeOf = (answer: Awaited<ReturnType<typeof ask>>): number =>
        answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
      const errorCode = codeOf(await untilDone(ask, codeOf));
      if (errorCode !== 0 || this.#below(4) === 0) return [`add ${index} to a transaction of epoch ${producerEpoch}`, errorCode];
      const [what, outcome] = await this.#produce(this.#transactional);
      return [`add ${index} to a transaction of epoch ${producerEpoch}, ${what}`, outcome];
    }
    const committed = this.#below(2) === 0;
    const ask = () => this.#client.call(endTxnApi, 3, { transactionalId: this.#transactionalId, producerId: id, producerEpoch, committed });
    const { errorCode } = await untilDone(ask, (answer) => answer.errorCode);
    // A server writes the markers after its answer to the end of the transaction. Until they are written, it does not accept the same request again.
    if (errorCode === 0) await untilDone(ask, (answer) => answer.errorCode);
    return [`end a transaction of epoch ${producerEpoch}, ${committed ? "commit" : "abort"}`, errorCode];
  }

  async #join(): Promise<Step> {
    const memberId = this.#pick([3, this.#memberId], [1, "bogus"]);
    const protocols = [{ name: this.#pick([3, "range"], [1, "other"]), metadata: subscription([this.#topic]) }];
    const sessionTimeoutMs = this.#pick([6, 30_000], [1, 1]);
    const join = (id: string) =>
      this.#client.call(joinGroupApi, 5, {
        groupId: this.#group,
        sessionTimeoutMs,
        rebalanceTimeoutMs: 30_000,
        memberId: id,
        groupInstanceId: null,
        protocolType: "consumer",
        protocols,
        reason: null,
      });
    const first = await untilDone(
      () => join(memberId),
      ({ errorCode }) => errorCode,
    );
    const joined = first.errorCode === MEMBER_ID_REQUIRED ? await join(first.memberId) : first;
    const { errorCode, generationId, protocolName, members } = joined;
    if (errorCode === 0) [this.#memberId, this.#generation] = [joined.memberId, generationId];
    const who = memberId === "" ? "no member" : memberId === "bogus" ? "a stranger" : "the member";
    return [`${who} joins`, { first: first.errorCode, errorCode, generationId, protocolName, members: members.length }];
  }

  async #beMember(): Promise<Step> {
    const memberId = this.#pick([6, this.#memberId], [1, "bogus"], [1, ""]);
    const generationId = this.#generation + this.#pick([6, 0], [1, 1], [1, -1]);
    const member = { groupId: this.#group, generationId, memberId, groupInstanceId: null };
    const who = `${memberId === "bogus" ? "a stranger" : memberId === "" ? "no member" : "the member"} of generation ${generationId}`;
    const kind = this.#pick([3, "heartbeat"], [4, "sync"], [1, "leave"]);
    if (kind === "heartbeat") return [`${who}: heartbeat`, (await this.#client.call(heartbeatApi, 3, member)).errorCode];
    if (kind === "sync") {
      const assignments = [{ memberId: this.#memberId, assignment: Buffer.from("mine") }];
      const { errorCode, assignment } = await this.#client.call(syncGroupApi, 3, {
        ...member,
        protocolType: null,
        protocolName: null,
        assignments,
      });
      return [`${who}: sync`, { errorCode, assignment: assignment.toString() }];
    }
    const { errorCode, members } = await this.#client.call(leaveGroupApi, 4, {
      groupId: this.#group,
      memberId: "",
      members: [{ memberId, groupInstanceId: null, reason: null }],
    });
    if (errorCode === 0 && members[0]?.errorCode === 0) this.#memberId = "";
    return [`${who}: leave`, { errorCode, member: members[0]?.errorCode }];
  }

  async #commit(): Promise<Step> {
    const memberId = this.#pick([5, this.#memberId], [1, "bogus"], [1, ""]);
    const generation = this.#pick([5, this.#generation], [1, this.#generation + 1], [1, -1]);
    const partitionIndex = this.#partition();
    const committedOffset = BigInt(this.#below(50) - 1);
    const place = {
      partitionIndex,
      committedOffset,
      committedLeaderEpoch: this.#below(3) - 1,
      committedMetadata: "m".repeat(this.#pick([6, 3], [1, 5_000])),
    };
    const topics = [{ name: this.#topic, partitions: [place] }];
    const request = { groupId: this.#group, generationIdOrMemberEpoch: generation, memberId, groupInstanceId: null, topics };
    const { topics: committed } = await this.#client.call(offsetCommitApi, 7, request);
    const partitionIndexes = [0, 1, 2];
    const found = await this.#client.call(offsetFetchApi, 5, {
      groupId: this.#group,
      topics: [{ name: this.#topic, partitionIndexes }],
      groups: [],
    });
    const who = memberId === "bogus" ? "a stranger" : memberId === "" ? "no member" : "the member";
    return [
      `${who} of generation ${generation} commits ${committedOffset} of ${partitionIndex}`,
      { errorCode: committed[0]!.partitions[0]!.errorCode, found: found.topics },
    ];
  }

  async #createTopic(): Promise<Step> {
    const name = this.#pick(
      [4, this.#target.name("other")],
      [1, ""],
      [1, "."],
      [1, "two words"],
      [1, "x".repeat(250)],
      [1, this.#topic],
      [1, "ü"],
    );
    const numPartitions = this.#pick([4, 1], [1, 0], [1, -1], [1, -2]);
    const replicationFactor = this.#pick([4, 1], [1, 0], [1, -1], [1, 4]);
    const setting = this.#pick<readonly [string, string | null]>(
      [2, ["retention.ms", String(this.#below(4) - 2)]],
      [1, ["cleanup.policy", "shred"]],
      [1, ["segment.bytes", "1"]],
      [1, ["no.such.setting", "1"]],
      [1, ["compression.type", "zip"]],
      [1, ["max.message.bytes", "many"]],
      [1, ["min.insync.replicas", "0"]],
      [1, ["retention.bytes", null]],
      [2, ["cleanup.policy", "compact,delete"]],
    );
    const configs = this.#below(2) === 0 ? [] : [{ name: setting[0], value: setting[1] }];
    const topics = [{ name, numPartitions, replicationFactor, assignments: [], configs }];
    const answer = await this.#client.call(createTopicsApi, 4, { topics, timeoutMs: 5_000, validateOnly: true });
    const said = JSON.stringify({ name: name.slice(0, 12), numPartitions, replicationFactor, configs });
    return [`could a topic be created: ${String(this.#target.plain(said))}`, answer.topics.map(({ errorCode }) => errorCode)];
  }
}

async function untilDone<Answer>(ask: () => Promise<Answer>, codeOf: (answer: Answer) => number): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (!NOT_YET.has(codeOf(answer))) return answer;
    await delay(10);
  }
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
