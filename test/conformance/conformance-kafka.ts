import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";

/** A server looks every five minutes for what has passed its retention, and for the first time after half a minute. */
const QUICK_RETENTION = { "log.retention.check.interval.ms": "500", "log.initial.task.delay.ms": "500" };

/** A real broker on which the cases about retention need not wait. */
export async function startConformanceKafka(): Promise<KafkaCluster> {
  return startKafka({ properties: QUICK_RETENTION });
}
