import { Kafka, logLevel } from "kafkajs";
import { expect } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { expectSuite } from "./expect-suite.ts";

/** Each form begins with another way in which Kafka shows a fault. */
export interface KafkaForm {
  readonly brokers: number;
  readonly firstFaultTurn: number;
  /** Of the URL. */
  readonly options: string;
}

/**
 * The suite passes on an emulated Kafka of this form, and leaves nothing there.
 * @param run names of cases. @default all
 */
export async function expectFormPasses({ brokers, firstFaultTurn, options }: KafkaForm, run?: readonly string[]): Promise<void> {
  await using emulator = await startEmulatedKafka({ brokers, firstFaultTurn });
  await expectSuite("kafka-emulator", { url: `${emulator.url}${options}`, emulator }, { run });
  expect(await whatIsLeft(emulator.bootstrapServers)).toEqual({ topics: [], groups: [] });
}

/** As another client sees it. */
async function whatIsLeft(bootstrapServers: string): Promise<{ readonly topics: readonly string[]; readonly groups: readonly string[] }> {
  const admin = new Kafka({ brokers: bootstrapServers.split(","), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return { topics: await admin.listTopics(), groups: (await admin.listGroups()).groups.map(({ groupId }) => groupId) };
  } finally {
    await admin.disconnect();
  }
}
