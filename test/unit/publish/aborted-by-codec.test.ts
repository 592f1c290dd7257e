import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, fakeContext } from "./fake-producer-driver.ts";

const REASON = new Error("enough");

/** A codec of the application that aborts the call when it encodes "stop". */
function stopping() {
  const controller = new AbortController();
  const encoded: string[] = [];
  const codec: Codec<string> = {
    encode: (value) => {
      encoded.push(value);
      if (value === "stop") controller.abort(REASON);
      return Buffer.from(value);
    },
    decode: () => "",
  };
  const driver = new FakeProducerDriver();
  const producer = createProducer(fakeContext(driver, { codec }), {});
  return { driver, producer, encoded, signal: controller.signal };
}

const message = (value: string) => ({ key: "a", value });

test("a sendBatch that its own codec aborts withdraws all of it: before, while and after it was encoded", async () => {
  const { driver, producer, encoded, signal } = stopping();
  await expect(producer.sendBatch(["1", "stop", "2", "3"].map(message), { signal })).rejects.toBe(REASON);
  expect(encoded).toEqual(["1", "stop"]);
  await producer.send(message("4"));
  expect(driver.log.map(({ value }) => value)).toEqual(["4"]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("with a message that was refused, the batch has each outcome: what was withdrawn is timeout, not retryable, with the reason", async () => {
  const { driver, producer, signal } = stopping();
  const batch = producer.sendBatch([message("1"), { value: "2" }, message("stop"), message("3")], { signal });
  const error = await batch.catch((thrown: unknown) => thrown);
  const withdrawn = { code: "timeout", retryable: false, cause: REASON };
  expect(error).toMatchObject({
    batch: {
      receipts: [null, null, null, null],
      failures: [
        { index: 0, error: withdrawn },
        { index: 1, error: { code: "invalid-argument" } },
        { index: 2, error: withdrawn },
        { index: 3, error: withdrawn },
      ],
    },
  });
  await producer.flush();
  expect(driver.log).toEqual([]);
});

test("a sendBatch all of whose messages are refused leaves no listener", async () => {
  const { producer, signal } = stopping();
  await expect(producer.sendBatch([{ value: "1" }], { signal })).rejects.toMatchObject({ code: "invalid-argument" });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a sendStream that its own codec aborts withdraws the message too, and pulls no more", async () => {
  const { driver, producer, encoded, signal } = stopping();
  await expect(producer.sendStream(["1", "stop", "2"].map(message), { signal })).rejects.toBe(REASON);
  await producer.flush();
  expect(encoded).toEqual(["1", "stop"]);
  expect(driver.log).toEqual([]);
});
