import kafkajs from "kafkajs";
import type { KafkaCluster } from "../../localstack/kafka/kafka-cluster.ts";

/** Stands for the high watermark: all records are deleted. */
const ALL = "-1";

/** Makes a real broker delete everything that a topic holds, as retention does. Resolves when it is deleted. */
export async function expireKafkaTopic(cluster: KafkaCluster, topic: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]!.partitions.map(({ partitionId: partition }) => ({ partition, offset: ALL }));
    await admin.deleteTopicRecords({ topic, partitions });
  } finally {
    await admin.disconnect();
  }
}
