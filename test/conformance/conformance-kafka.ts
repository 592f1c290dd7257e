import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { compactKafkaTopic } from "./compact-kafka-topic.ts";
import { damageKafkaLog } from "./damage-kafka-log.ts";
import { expireKafkaTopic } from "./expire-kafka-topic.ts";

/** A server looks every five minutes for what has passed its retention, and for the first time after half a minute. */
const QUICK_RETENTION = { "log.retention.check.interval.ms": "500", "log.initial.task.delay.ms": "500" };
/** And every 15 seconds for what can be compacted, with a memory of 128 MiB that it empties for each partition. */
const QUICK_COMPACTION = { "log.cleaner.backoff.ms": "50", "log.cleaner.dedupe.buffer.size": "4194304", "log.cleaner.threads": "2" };

export type ConformanceKafka = KafkaCluster & {
  readonly compact: (topic: string) => Promise<void>;
  readonly expire: (topic: string) => Promise<void>;
  readonly damage: (topic: string, partition: string) => Promise<void>;
};

/** A real broker on which the cases about retention and compaction need not wait, and whose logs can be damaged. */
export async function startConformanceKafka(): Promise<ConformanceKafka> {
  const cluster = await startKafka({ properties: { ...QUICK_RETENTION, ...QUICK_COMPACTION } });
  return Object.assign(cluster, {
    compact: async (topic: string) => compactKafkaTopic(cluster, topic),
    expire: async (topic: string) => expireKafkaTopic(cluster, topic),
    damage: async (topic: string, partition: string) => damageKafkaLog(cluster, topic, partition),
  });
}
