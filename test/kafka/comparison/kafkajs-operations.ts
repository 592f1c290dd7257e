import kafkajs, { CompressionTypes, type Consumer, type IHeaders, type KafkaMessage, Partitioners } from "kafkajs";
import { setTimeout as delay } from "node:timers/promises";
import { type Operation, type Target, operation, outcomeOf } from "./operation.ts";

const TIME_LIMIT_MS = 20_000;
const { TOPIC } = kafkajs.ConfigResourceTypes;

async function send(target: Target, topic: string, messages: Parameters<typeof sendOn>[2]): Promise<unknown> {
  const producer = target.kafkajs().producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
  await producer.connect();
  try {
    return await outcomeOf(sendOn(producer, topic, messages));
  } finally {
    await producer.disconnect();
  }
}

interface OutgoingMessage {
  readonly key?: string | null;
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly headers?: IHeaders;
  readonly timestamp?: string;
}

type Producer = ReturnType<ReturnType<Target["kafkajs"]>["producer"]>;

async function sendOn(
  producer: Producer,
  topic: string,
  messages: readonly OutgoingMessage[],
  compression = CompressionTypes.None,
): Promise<unknown> {
  const sent = await producer.send({ topic, messages: [...messages], compression });
  return sent
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ partition, errorCode, baseOffset, logStartOffset }) => ({ partition, errorCode, baseOffset, logStartOffset }));
}

/** Reads until it has this number of messages, and leaves. */
async function consume(
  target: Target,
  topic: string,
  groupId: string,
  count: number,
  options: { readonly fromBeginning?: boolean; readonly readUncommitted?: boolean } = {},
): Promise<readonly string[]> {
  const { fromBeginning = true, readUncommitted = false } = options;
  const consumer = target.kafkajs().consumer({ groupId, readUncommitted, maxWaitTimeInMs: 100 });
  const got: string[] = [];
  await running(
    consumer,
    topic,
    fromBeginning,
    (message) => got.push(shown(message)),
    () => got.length >= count,
  );
  return got;
}

async function running(
  consumer: Consumer,
  topic: string,
  fromBeginning: boolean,
  take: (message: KafkaMessage, partition: number) => void,
  isDone: () => boolean,
): Promise<void> {
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning });
    await consumer.run({ autoCommitThreshold: 1, eachMessage: async ({ message, partition }) => take(message, partition) });
    for (const startedAt = performance.now(); !isDone() && performance.now() - startedAt < TIME_LIMIT_MS;) await delay(10);
  } finally {
    await consumer.disconnect();
  }
}

function shown({ key, value, headers = {}, offset }: KafkaMessage): string {
  const shownHeaders = Object.entries(headers).map(([name, content]) => `${name}=${[content].flat().map(String).join("|")}`);
  return [offset, key?.toString() ?? "-", value?.toString() ?? "null", ...shownHeaders].join(" ");
}

const MANY: readonly OutgoingMessage[] = Array.from({ length: 20 }, (_, index) => ({ key: `key-${index % 5}`, value: `value ${index}` }));

function byPartition<T extends { readonly partition: number }>(offsets: readonly T[]): readonly T[] {
  return offsets.toSorted((a, b) => a.partition - b.partition);
}

export const kafkajsOperations: readonly Operation[] = [
  operation("kafkajs: sends to the partitions of keys", async (target) => {
    const topic = await target.topic("topic", 4);
    return send(target, topic, MANY);
  }),
  operation("kafkajs: keys, headers and tombstones come back", async (target) => {
    const topic = await target.topic("topic");
    await send(target, topic, [
      { key: "a", value: "plain" },
      { value: "without a key" },
      { key: "b", value: null },
      { key: "c", value: "headers", headers: { one: "1", two: ["2a", "2b"], empty: "" } },
      { key: "d", value: "" },
    ]);
    return consume(target, topic, target.name("group"), 5);
  }),
  operation("kafkajs: gzip", async (target) => {
    const topic = await target.topic("topic");
    const producer = target.kafkajs().producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const sent = await sendOn(producer, topic, MANY, CompressionTypes.GZIP);
    await producer.disconnect();
    return [sent, await consume(target, topic, target.name("group"), MANY.length)];
  }),
  operation("kafkajs: a topic that does not exist, a message too large, a time too late", async (target) => {
    const topic = await target.topic("topic", 1, { "max.message.bytes": "1000" });
    return [
      await send(target, target.name("missing"), [{ value: "x" }]),
      await send(target, topic, [{ value: "x".repeat(2_000) }]),
      await send(target, topic, [{ value: "x", timestamp: String(Date.now() + 7_200_000) }]),
    ];
  }),
  operation("kafkajs: an idempotent producer", async (target) => {
    const topic = await target.topic("topic");
    const producer = target.kafkajs().producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const sent = [await sendOn(producer, topic, MANY.slice(0, 3)), await sendOn(producer, topic, MANY.slice(3, 5))];
    await producer.disconnect();
    return [sent, await consume(target, topic, target.name("group"), 5)];
  }),
  operation("kafkajs: a group goes on where it stands", async (target) => {
    const topic = await target.topic("topic");
    const group = target.name("group");
    await send(target, topic, MANY.slice(0, 3));
    const first = await consume(target, topic, group, 3);
    await send(target, topic, MANY.slice(3, 6));
    return [first, await consume(target, topic, group, 3)];
  }),
  operation("kafkajs: two members share four partitions", async (target) => {
    const topic = await target.topic("topic", 4);
    const group = target.name("group");
    const kafka = target.kafkajs();
    const shares: number[] = [];
    const quick = { groupId: group, heartbeatInterval: 100, maxWaitTimeInMs: 100 };
    const consumers = [kafka.consumer(quick), kafka.consumer(quick)];
    const assigned = new Map<Consumer, number>();
    for (const consumer of consumers) {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        assigned.set(consumer, payload.memberAssignment[topic]?.length ?? 0);
      });
      await consumer.connect();
      await consumer.subscribe({ topic });
      await consumer.run({ eachMessage: async () => undefined });
    }
    for (let waited = 0; waited < 1_000 && [...assigned.values()].join() !== "2,2"; waited += 1) await delay(10);
    shares.push(...assigned.values());
    const admin = kafka.admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([group]);
    const [described] = groups;
    const description = {
      state: described?.state,
      protocolType: described?.protocolType,
      protocol: described?.protocol,
      members: described?.members.length,
    };
    const removed = await outcomeOf(admin.deleteGroups([group]));
    for (const consumer of consumers) await consumer.disconnect();
    const afterwards = await outcomeOf(admin.deleteGroups([group]));
    await admin.disconnect();
    return { shares, described: description, removed, afterwards };
  }),
  operation("kafkajs: seek, also to where nothing is", async (target) => {
    const topic = await target.topic("topic");
    await send(target, topic, MANY.slice(0, 5));
    const outcomes: unknown[] = [];
    for (const offset of ["3", "99"]) {
      const got: string[] = [];
      const consumer = target.kafkajs().consumer({ groupId: target.name(`group-${offset}`), maxWaitTimeInMs: 100 });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachMessage: async ({ message }) => void got.push(message.offset) });
      consumer.seek({ topic, partition: 0, offset });
      for (let waited = 0; waited < 1_000 && got.at(-1) !== "4"; waited += 1) await delay(10);
      await consumer.disconnect();
      outcomes.push(got);
    }
    return outcomes;
  }),
  operation("kafkajs: offsets of a topic, by time", async (target) => {
    const topic = await target.topic("topic", 2);
    const began = Date.now() - 60_000;
    await send(
      target,
      topic,
      [0, 1, 2, 3].map((index) => ({ value: `v${index}`, partition: index % 2, timestamp: String(began + index * 1_000) })),
    );
    const admin = target.kafkajs().admin();
    await admin.connect();
    const ends = byPartition(await admin.fetchTopicOffsets(topic));
    const times: unknown[] = [];
    for (const delta of [0, 1_000, 2_500, 9_000]) times.push(byPartition(await admin.fetchTopicOffsetsByTimestamp(topic, began + delta)));
    await admin.disconnect();
    return { ends, times };
  }),
  operation("kafkajs: topics", async (target) => {
    const admin = target.kafkajs().admin();
    await admin.connect();
    const topic = target.name("topic");
    const created = [
      await outcomeOf(admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })),
      await outcomeOf(admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })),
      await outcomeOf(admin.createTopics({ topics: [{ topic: "not a name" }] })),
      await outcomeOf(admin.createTopics({ topics: [{ topic: target.name("other"), replicationFactor: 5 }] })),
    ];
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId);
    const grown = [
      await outcomeOf(admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })),
      await outcomeOf(admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })),
    ];
    await delay(200);
    const isListed = (await admin.listTopics()).includes(topic);
    const offsets = (await admin.fetchTopicOffsets(topic)).length;
    const deleted = [await outcomeOf(admin.deleteTopics({ topics: [topic] })), await outcomeOf(admin.deleteTopics({ topics: [topic] }))];
    await delay(200);
    const missing = await outcomeOf(admin.fetchTopicMetadata({ topics: [topic] }));
    await admin.disconnect();
    return { created, partitions, grown, isListed, offsets, deleted, missing };
  }),
  operation("kafkajs: deletes records", async (target) => {
    const topic = await target.topic("topic");
    await send(target, topic, MANY.slice(0, 5));
    const admin = target.kafkajs().admin();
    await admin.connect();
    // The client has to know the topic first.
    await admin.fetchTopicOffsets(topic);
    const outcome = await outcomeOf(admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "2" }] }));
    const offsets = await admin.fetchTopicOffsets(topic);
    const beyond = await outcomeOf(admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "77" }] }));
    await admin.disconnect();
    return { outcome, offsets, beyond, left: await consume(target, topic, target.name("group"), 3) };
  }),
  operation("kafkajs: settings of a topic", async (target) => {
    const topic = await target.topic("topic");
    const admin = target.kafkajs().admin();
    await admin.connect();
    const alter = async (name: string, value: string): Promise<unknown> => {
      const resources = [{ type: TOPIC, name: topic, configEntries: [{ name, value }] }];
      return outcomeOf(async () => {
        await admin.alterConfigs({ validateOnly: false, resources });
      });
    };
    const altered = [await alter("retention.ms", "12345"), await alter("no.such.setting", "1"), await alter("retention.ms", "soon")];
    await delay(200);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC, name: topic, configNames: ["retention.ms"] }],
    });
    await admin.disconnect();
    return { altered, configs: resources[0]?.configEntries };
  }),
  operation("kafkajs: transactions, and who reads them", async (target) => {
    const topic = await target.topic("topic");
    const producer = target.kafkajs().producer({ transactionalId: target.name("transactional"), idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (const [value, isCommitted] of [
      ["a", true],
      ["b", false],
      ["c", true],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    return {
      committed: await consume(target, topic, target.name("committed"), 2),
      uncommitted: await consume(target, topic, target.name("uncommitted"), 3, { readUncommitted: true }),
    };
  }),
  operation("kafkajs: offsets sent with a transaction", async (target) => {
    const topic = await target.topic("topic");
    const group = target.name("group");
    const kafka = target.kafkajs();
    const producer = kafka.producer({ transactionalId: target.name("transactional"), idempotent: true, maxInFlightRequests: 1 });
    const admin = kafka.admin();
    await producer.connect();
    await admin.connect();
    const outcomes: unknown[] = [];
    for (const [offset, isCommitted] of [
      ["7", true],
      ["9", false],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: offset }] });
      await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition: 0, offset }] }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
      await delay(300);
      outcomes.push(await admin.fetchOffsets({ groupId: group, topics: [topic] }));
    }
    await producer.disconnect();
    await admin.disconnect();
    return outcomes;
  }),
];

/** kafkajs needs much time for these. */
export const slowKafkajsOperations: readonly Operation[] = [
  operation("kafkajs: sets and resets the offsets of a group", async (target) => {
    const topic = await target.topic("topic", 2);
    const group = target.name("group");
    const admin = target.kafkajs().admin();
    await admin.connect();
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 1, offset: "1" }] });
    const set = byPartition((await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0]!.partitions);
    await admin.resetOffsets({ groupId: group, topic, earliest: true });
    const reset = byPartition((await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0]!.partitions);
    await admin.disconnect();
    return { set, reset };
  }),
];
