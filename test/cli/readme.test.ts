import { test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { expectReadmeCommands } from "./readme-commands.ts";

test("the commands of the README run as they are printed, on the emulated Kafka", async () => {
  await using kafka = await startEmulatedKafka();
  await expectReadmeCommands(kafka.url);
});
