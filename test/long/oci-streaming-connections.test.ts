import { expect, test } from "vitest";
import { ociStreaming } from "../../adapters/oci-streaming/index.ts";
import { startEmulatedOciStreaming } from "../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { connect, text } from "../../src/index.ts";
import { settledBytes } from "./settled-heap.ts";

const CONNECTIONS = 1_000;
const WARM = 100;
const ALLOWED_BYTES = 4_194_304;

test("a thousand connections to OCI Streaming, each opened, used and closed, leave nothing behind", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, getsPerSecond: Infinity });
  const { region, streamPool, endpoint, configFile } = emulator;
  const cycle = async (number: number): Promise<void> => {
    await using connection = await connect(ociStreaming({ region, streamPool, endpoint, configFile }));
    const orders = connection.topic("orders", { codec: text(), key: () => "a" });
    const { position } = await orders.producer().send({ value: String(number) });
    for await (const { value } of orders.reader({ from: { at: position! }, until: "now" })) expect(value).toBe(String(number));
  };
  for (let number = 0; number < WARM; number += 1) await cycle(number);
  const [before, resources] = [await settledBytes(), process.getActiveResourcesInfo().length];
  for (let number = WARM; number < CONNECTIONS; number += 1) await cycle(number);
  // What the emulator stores of each message is a few hundred bytes.
  expect((await settledBytes()) - before).toBeLessThan(ALLOWED_BYTES);
  expect(process.getActiveResourcesInfo().length - resources).toBeLessThanOrEqual(4);
});
