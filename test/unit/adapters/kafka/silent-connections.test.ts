import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { sendThroughSilence, surviveSilence } from "../../../kafka/silent-connections.ts";

// The same with default settings: test/long/kafka-silent-connections.test.ts.
test.concurrent.each([1, 3])(
  "silently dropped connections to %i brokers are found: with a request time-out of 3 s, a send, a group and a reader continue within 8 s",
  async (brokers) => {
    await using emulated = await startEmulatedKafka({ brokers });
    const { sendMs, groupMs, readerMs } = await surviveSilence(emulated.url, { requestTimeout: 3_000 }, 30_000);
    expect(sendMs).toBeLessThan(8_000);
    expect(groupMs).toBeLessThan(8_000);
    expect(readerMs).toBeLessThan(8_000);
  },
  90_000,
);

test.concurrent.each([1, 3])(
  "so are those of a producer without other clients on its connections to %i brokers",
  async (brokers) => {
    await using emulated = await startEmulatedKafka({ brokers });
    const ms = await sendThroughSilence(emulated.url, { requestTimeout: 3_000 });
    expect(ms).toBeLessThan(8_000);
  },
  90_000,
);
