import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { sendThroughSilence, surviveSilence } from "../../../kafka/silent-connections.ts";

// With the settings of a connection as it comes: test/long/kafka-silent-connections.test.ts.
test.concurrent.each([1, 3])(
  "connections to %i brokers that die silently are found: a send, a group and a reader go on within 8 s of a request time of 3 s",
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
  "so are those of a producer that is alone on its connections to %i brokers",
  async (brokers) => {
    await using emulated = await startEmulatedKafka({ brokers });
    const ms = await sendThroughSilence(emulated.url, { requestTimeout: 3_000 });
    expect(ms).toBeLessThan(8_000);
  },
  90_000,
);
