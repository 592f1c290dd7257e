import { setTimeout as delay } from "node:timers/promises";
import { addOffsetsToTxnApi } from "../../../localstack/kafka/broker/requests/add-offsets-to-txn.ts";
import { addPartitionsToTxnApi } from "../../../localstack/kafka/broker/requests/add-partitions-to-txn.ts";
import { deleteRecordsApi } from "../../../localstack/kafka/broker/requests/delete-records.ts";
import { endTxnApi } from "../../../localstack/kafka/broker/requests/end-txn.ts";
import { fetchApi } from "../../../localstack/kafka/broker/requests/fetch.ts";
import { findCoordinatorApi } from "../../../localstack/kafka/broker/requests/find-coordinator.ts";
import { initProducerIdApi } from "../../../localstack/kafka/broker/requests/init-producer-id.ts";
import { listOffsetsApi } from "../../../localstack/kafka/broker/requests/list-offsets.ts";
import { offsetFetchApi } from "../../../localstack/kafka/broker/requests/offset-fetch.ts";
import { produceApi } from "../../../localstack/kafka/broker/requests/produce.ts";
import { txnOffsetCommitApi } from "../../../localstack/kafka/broker/requests/txn-offset-commit.ts";
import { batch, valuesIn } from "./batches.ts";
import { type Operation, type Target, operation } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const TRANSACTIONAL = 0x10;
const CONCURRENT_TRANSACTIONS = 51;
const COORDINATOR_NOT_AVAILABLE = 15;
const NOT_ENOUGH_REPLICAS = 19;

/** A transactional producer, step by step. */
class TransactionProbe implements AsyncDisposable {
  readonly client: RawClient;
  readonly transactionalId: string;
  readonly topic: string;
  producerId = -1n;
  producerEpoch = -1;
  #sequence = 0;

  private constructor(client: RawClient, transactionalId: string, topic: string) {
    this.client = client;
    this.transactionalId = transactionalId;
    this.topic = topic;
  }

  static async open(target: Target, topic: string, name = "transactional"): Promise<TransactionProbe> {
    const probe = new TransactionProbe(await target.raw(), target.name(name), topic);
    // The first request makes a real server create its topic for transactions.
    for (;;) {
      const { errorCode } = await probe.client.call(findCoordinatorApi, 2, { key: probe.transactionalId, keyType: 1, coordinatorKeys: [] });
      if (errorCode !== COORDINATOR_NOT_AVAILABLE) return probe;
      await delay(100);
    }
  }

  async rawInit(transactionTimeoutMs = 60_000, known = { producerId: -1n, producerEpoch: -1 }) {
    return this.client.call(initProducerIdApi, 4, { transactionalId: this.transactionalId, transactionTimeoutMs, ...known });
  }

  /** Waits until a transaction of a former producer is aborted. @returns an error code */
  async init(transactionTimeoutMs?: number): Promise<number> {
    for (;;) {
      const { errorCode, producerId, producerEpoch } = await this.rawInit(transactionTimeoutMs);
      if (errorCode === CONCURRENT_TRANSACTIONS || errorCode === 14 || errorCode === 16) {
        await delay(50);
        continue;
      }
      Object.assign(this, { producerId, producerEpoch });
      this.#sequence = 0;
      return errorCode;
    }
  }

  /** Waits until the previous transaction has ended. */
  async #retrying(call: () => Promise<number>): Promise<number> {
    for (;;) {
      const errorCode = await call();
      if (errorCode !== CONCURRENT_TRANSACTIONS) return errorCode;
      await delay(20);
    }
  }

  add(topic = this.topic): Promise<number> {
    return this.#retrying(async () => {
      const { resultsByTopicV3AndBelow } = await this.client.call(addPartitionsToTxnApi, 3, {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: this.producerId,
        v3AndBelowProducerEpoch: this.producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [0] }],
      });
      return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
    });
  }

  /** Retries while the server cannot verify yet that the partition belongs to the transaction. */
  async write(value: string): Promise<number> {
    for (;;) {
      const errorCode = await this.#writeOnce(value);
      if (errorCode !== NOT_ENOUGH_REPLICAS) return errorCode;
      await delay(20);
    }
  }

  async #writeOnce(value: string): Promise<number> {
    const { producerId, producerEpoch } = this;
    const records = batch([{ value }], { attributes: TRANSACTIONAL, producerId, producerEpoch, baseSequence: this.#sequence });
    const topicData = [{ name: this.topic, topicId: "", partitionData: [{ index: 0, records: [records] }] }];
    const request = { transactionalId: this.transactionalId, acks: -1, timeoutMs: 5_000, topicData };
    const { responses } = await this.client.call(produceApi, 8, request);
    const { errorCode } = responses[0]!.partitionResponses[0]!;
    if (errorCode === 0) this.#sequence += 1;
    return errorCode;
  }

  async end(committed: boolean): Promise<number> {
    const { transactionalId, producerId, producerEpoch } = this;
    return this.#retrying(async () => {
      return (await this.client.call(endTxnApi, 3, { transactionalId, producerId, producerEpoch, committed })).errorCode;
    });
  }

  async transact(values: readonly string[], committed: boolean): Promise<void> {
    await this.add();
    for (const value of values) await this.write(value);
    await this.end(committed);
    // The markers are written a moment after the answer.
    await delay(300);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}

/** All records, for both isolation levels. */
async function readAll(target: Target, topic: string, fetchOffset = 0n): Promise<unknown> {
  await using client = await target.raw();
  const outcomes: unknown[] = [];
  for (const isolationLevel of [0, 1]) {
    const partition = { partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 };
    const answer = await client.call(fetchApi, 11, {
      maxWaitMs: 10,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel,
      sessionId: 0,
      topics: [{ topic, topicId: "", partitions: [partition] }],
      forgottenTopicsData: [],
      rackId: "",
    });
    const { highWatermark, lastStableOffset, abortedTransactions, records } = answer.responses[0]!.partitions[0]!;
    const listed = await client.call(listOffsetsApi, 5, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      timeoutMs: 1_000,
    });
    outcomes.push({
      highWatermark,
      lastStableOffset,
      aborted: abortedTransactions?.map(({ firstOffset }) => firstOffset) ?? null,
      values: valuesIn(records),
      listed: listed.topics[0]!.partitions[0]!.offset,
    });
  }
  return outcomes;
}

export const transactionOperations: readonly Operation[] = [
  operation("Transaction: committed, aborted, open", async (target) => {
    const topic = await target.topic("topic");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init();
    await probe.transact(["a", "b"], true);
    const committed = await readAll(target, topic);
    await probe.transact(["c"], false);
    const aborted = await readAll(target, topic);
    await probe.add();
    await probe.write("d");
    return { committed, aborted, open: await readAll(target, topic) };
  }),
  operation("Transaction: open, and its records deleted", async (target) => {
    const topic = await target.topic("topic");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init();
    await probe.transact(["a"], true);
    await probe.add();
    for (const value of ["b", "c"]) await probe.write(value);
    const topicData = [{ name: topic, topicId: "", partitionData: [{ index: 0, records: [batch([{}, {}, {}])] }] }];
    await probe.client.call(produceApi, 8, { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData });
    const logs: unknown[] = [];
    for (const offset of [1n, 3n, 4n, 5n, 7n]) {
      const asked = [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }];
      const { topics } = await probe.client.call(deleteRecordsApi, 1, { topics: asked, timeoutMs: 5_000 });
      logs.push(topics[0]!.partitions[0]!.lowWatermark, await readAll(target, topic, offset));
    }
    await probe.write("d");
    logs.push(await readAll(target, topic, 7n));
    await probe.end(true);
    await delay(300);
    return { logs, ended: await readAll(target, topic, 7n) };
  }),
  operation("Transaction: ended twice, the other way, without having begun", async (target) => {
    const topic = await target.topic("topic");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init();
    const nothing = await probe.end(true);
    await probe.transact(["a"], true);
    const again = await probe.end(true);
    return { nothing, again, otherwise: await probe.end(false) };
  }),
  operation("Transaction: written to a partition that was not added", async (target) => {
    const topic = await target.topic("topic");
    const other = await target.topic("other");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init();
    const before = await probe.write("a");
    await probe.add(other);
    return { before, elsewhere: await probe.write("a"), added: await probe.add(), afterwards: await probe.write("a") };
  }),
  operation("Transaction: what cannot be added", async (target) => {
    const topic = await target.topic("topic");
    await using probe = await TransactionProbe.open(target, topic);
    await using unknown = await TransactionProbe.open(target, topic, "unknown");
    await probe.init();
    const missing = await probe.add(target.name("missing"));
    unknown.producerId = probe.producerId;
    unknown.producerEpoch = probe.producerEpoch;
    const ofUnknown = [await unknown.add(), await unknown.end(true)];
    probe.producerEpoch += 1;
    const newer = [await probe.add(), await probe.end(true)];
    probe.producerId += 1_000n;
    return { missing, ofUnknown, newer, other: [await probe.add(), await probe.end(true)] };
  }),
  operation("Transaction: a second producer of the same id", async (target) => {
    const topic = await target.topic("topic");
    await using first = await TransactionProbe.open(target, topic);
    await first.init();
    await first.transact(["a"], true);
    await first.add();
    await first.write("b");
    await using second = await TransactionProbe.open(target, topic);
    await second.init();
    await delay(300);
    const former = [await first.write("c"), await first.add(), await first.end(true)];
    await second.transact(["d"], true);
    return {
      sameId: first.producerId === second.producerId,
      isNewer: second.producerEpoch > first.producerEpoch,
      former,
      log: await readAll(target, topic),
    };
  }),
  operation("Transaction: not ended in time", async (target) => {
    const topic = await target.topic("topic");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init(3_000);
    await probe.add();
    await probe.write("a");
    // A real server checks every ten seconds.
    for (let waited = 0; waited < 150; waited += 1) {
      const log = JSON.stringify(await target.plain(await readAll(target, topic)));
      if (log.includes("control")) break;
      await delay(100);
    }
    return { log: await readAll(target, topic), end: await probe.end(true) };
  }),
  operation("InitProducerId: what it is given", async (target) => {
    const topic = await target.topic("topic");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init();
    const answer = async (...parameters: Parameters<TransactionProbe["rawInit"]>): Promise<unknown> => {
      const { errorCode, producerId, producerEpoch } = await probe.rawInit(...parameters);
      return {
        errorCode,
        isSame: producerId === probe.producerId,
        later: producerId === probe.producerId ? producerEpoch - probe.producerEpoch : null,
      };
    };
    const { producerId, producerEpoch } = probe;
    const idempotent = await probe.client.call(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: -1 });
    const noName = await probe.client.call(initProducerIdApi, 4, { transactionalId: "", transactionTimeoutMs: 1_000 });
    return {
      tooLong: await answer(10_000_000),
      tooShort: await answer(0),
      current: await answer(60_000, { producerId, producerEpoch }),
      former: await answer(60_000, { producerId, producerEpoch }),
      other: await answer(60_000, { producerId: producerId + 500n, producerEpoch }),
      idempotent: [idempotent.errorCode, idempotent.producerId >= 0n, idempotent.producerEpoch],
      noName: noName.errorCode,
    };
  }),
  operation("Transaction: offsets of a group, committed and aborted", async (target) => {
    const topic = await target.topic("topic");
    const groupId = target.name("group");
    await using probe = await TransactionProbe.open(target, topic);
    await probe.init();
    const { client, transactionalId } = probe;
    const commitOffset = async (committedOffset: bigint): Promise<unknown> => {
      const { producerId, producerEpoch } = probe;
      const added = await client.call(addOffsetsToTxnApi, 3, { transactionalId, producerId, producerEpoch, groupId });
      const partition = { partitionIndex: 0, committedOffset, committedMetadata: "m" };
      const { topics } = await client.call(txnOffsetCommitApi, 3, {
        transactionalId,
        groupId,
        producerId,
        producerEpoch,
        memberId: "",
        groupInstanceId: null,
        topics: [{ name: topic, partitions: [partition] }],
      });
      return [added.errorCode, topics[0]?.partitions[0]?.errorCode];
    };
    const committed = async (requireStable: boolean): Promise<unknown> => {
      const topics = [{ name: topic, partitionIndexes: [0] }];
      const answer = await client.call(offsetFetchApi, 7, { groupId, topics, groups: [], requireStable });
      return answer.topics[0]?.partitions[0];
    };
    const first = await commitOffset(5n);
    const open = [await committed(false), await committed(true)];
    await probe.end(true);
    await delay(300);
    const after = await committed(true);
    await delay(200);
    const second = await commitOffset(9n);
    await probe.end(false);
    await delay(300);
    return { first, open, after, second, aborted: await committed(true) };
  }),
];
