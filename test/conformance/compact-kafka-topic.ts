import { randomUUID } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";
import kafkajs, { type Admin, type Producer } from "kafkajs";
import type { KafkaCluster } from "../../localstack/kafka/kafka-cluster.ts";
import { type Connection, bytes, connect } from "../../src/index.ts";

const SEGMENT_MS = 50;
const LOOK_AGAIN_MS = SEGMENT_MS * 2;
/** Tombstones go with the second cleaning. */
const AT_ONCE = {
  "cleanup.policy": "compact",
  "segment.ms": String(SEGMENT_MS),
  "min.cleanable.dirty.ratio": "0.001",
  "min.compaction.lag.ms": "0",
  "delete.retention.ms": "0",
};

/**
 * Makes a real broker compact a topic up to its last message. The segment that is written to is never cleaned, so what follows
 * must not be readable: an aborted transaction. Resolves when of each key one message is left and
 * no tombstone; takes about three seconds.
 */
export async function compactKafkaTopic(cluster: KafkaCluster, topic: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ transactionalId: `compaction-${randomUUID()}`, idempotent: true, maxInFlightRequests: 1 });
  const connection = await connect(cluster.url);
  try {
    await Promise.all([admin.connect(), producer.connect()]);
    const configEntries = Object.entries(AT_ONCE).map(([name, value]) => ({ name, value }));
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }] });
    const partitions = await partitionsOf(admin, topic);
    do {
      await later(LOOK_AGAIN_MS);
      await abortedTransaction(producer, topic, partitions);
    } while (!(await isCompacted(connection, topic)));
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect(), connection.close()]);
  }
}

async function partitionsOf(admin: Admin, topic: string): Promise<readonly number[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]!.partitions.map(({ partitionId }) => partitionId);
}

/** Ends the segment of each partition that is old enough, and begins one with an aborted transaction. */
async function abortedTransaction(producer: Producer, topic: string, partitions: readonly number[]): Promise<void> {
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: partitions.map((partition) => ({ partition, key: "aborted", value: "" })) });
  await transaction.abort();
}

async function isCompacted(connection: Connection, topic: string): Promise<boolean> {
  const seen = new Set<string | null>();
  for await (const { key, value } of connection.topic(topic, { codec: bytes(), tombstones: true }).reader({ until: "now" })) {
    if (value === null || seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}
