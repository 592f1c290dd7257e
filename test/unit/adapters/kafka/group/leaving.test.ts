import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { connect, text } from "../../../../../src/index.ts";

const TOPIC = "flights";
const GROUP = "delays";
const COORDINATOR_NOT_AVAILABLE = 15;
const NOT_COORDINATOR = 16;

test.each([COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR])(
  "a member whose request to leave is answered with code %i retries it: the other members do not wait for its session",
  { timeout: 20_000 },
  async (errorCode) => {
    await using emulator = await startEmulatedKafka({ topics: { [TOPIC]: { partitions: 2 } } });
    await using connection = await connect(emulator.url, { require: ["groupAdmin"] });
    const topic = connection.topic(TOPIC, { codec: text(), key: () => "ATL" });
    const handled: string[] = [];
    const consumer = topic.consumer({ group: GROUP, initialPosition: "earliest" });
    const running = consumer.run(({ value }) => void handled.push(value));
    await topic.producer().send({ value: "a" });
    await expect.poll(() => handled).toEqual(["a"]);
    emulator.answerWith({ api: "LeaveGroup", errorCode, times: 2 });
    await consumer.close();
    await running;
    // The server would refuse this for a group with a member.
    await connection.admin.deleteGroup(TOPIC, GROUP);
  },
);
