import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { lastMessages } from "../../../../src/cli/process/last-messages.ts";
import { connect, isStreamError, text } from "../../../../src/index.ts";

test("the last messages are found behind a batch that cannot be read, and a damaged batch among them is not left out silently", async () => {
  await using kafka = await startEmulatedKafka({ topics: { orders: { partitions: 1 } } });
  await using connection = await connect(kafka.url);
  const topic = connection.topic("orders", { codec: text(), key: () => null });
  const producer = topic.producer();
  await producer.send({ value: "unreadable" });
  kafka.damage("orders", "0");
  for (const value of ["first", "second", "third"]) await producer.send({ value });
  const read = async (count: number): Promise<readonly string[]> => {
    const values: string[] = [];
    for await (const { value } of topic.reader(await lastMessages(connection, "orders", count, undefined))) values.push(value);
    return values;
  };
  expect(await read(2)).toEqual(["second", "third"]);
  kafka.damage("orders", "0");
  await producer.send({ value: "fourth" });
  expect(await read(1)).toEqual(["fourth"]);
  await expect(read(2)).rejects.toSatisfy((error) => isStreamError(error, "corrupt"));
});
