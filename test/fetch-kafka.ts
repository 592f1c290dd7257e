import { kafkaClassPath } from "../localstack/kafka/kafka-jars.ts";
import { kafkaRequirements } from "../localstack/kafka/kafka-requirements.ts";

/** Before all tests, once: several files would fetch the jars at the same time, within the time of their own tests. */
export async function setup(): Promise<void> {
  if (kafkaRequirements() === null) await kafkaClassPath();
}
