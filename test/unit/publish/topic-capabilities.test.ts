import { expect, test } from "vitest";
import { OWN_CAPABILITIES } from "../../../adapters/memory/capabilities.ts";
import type { Capability } from "../../../src/capabilities.ts";
import { isStreamError } from "../../../src/errors.ts";
import type { OutgoingMessage } from "../../../src/message.ts";
import { openRecordSender } from "../../../src/publish/open-record-sender.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, fakeContext } from "./fake-producer-driver.ts";

function topicWithout(...missing: readonly Capability[]): FakeProducerDriver {
  const driver = new FakeProducerDriver();
  // Like a driver: it knows them once it is prepared.
  driver.preparing = async () => {
    driver.capabilities = { ...OWN_CAPABILITIES, ...Object.fromEntries(missing.map((name) => [name, false])) };
  };
  return driver;
}

async function refusal(sent: Promise<unknown>): Promise<unknown> {
  const error: unknown = await sent.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return isStreamError(error) ? { code: error.code, capability: error.capability, operation: error.operation, topic: error.topic } : error;
}

test.each<[Capability, object]>([
  ["producerTimestamps", { producedAt: 5 }],
  ["producerTimestamps", { producedAt: 1_700_000_000_123_456_789n }],
  ["explicitPartition", { toPartition: "1" }],
  ["tombstones", { value: null }],
  ["binaryKeys", { key: "" }],
  ["binaryKeys", { key: "\udcff" }],
  ["exactHeaders", { headers: { a: "\udcff" } }],
  ["exactHeaders", { headers: { "": "a" } }],
])("without %s of the topic %s is refused, before and after the topic is known, and blocks nothing", async (capability, over) => {
  const driver = topicWithout(capability);
  const producer = createProducer(fakeContext(driver, { tombstones: true }), {});
  const plain = { key: "a", value: "plain", headers: { a: "b" } };
  const odd = { ...plain, ...over } as OutgoingMessage<string>;
  const expected = { code: "unsupported", capability, operation: "send", topic: "orders" };
  for (let round = 0; round < 2; round += 1) {
    const [first, second, third] = [producer.send(plain), producer.send(odd), producer.send(plain)];
    expect(await refusal(second)).toEqual(expected);
    await Promise.all([first, third]);
  }
  expect(driver.log.map(({ value }) => value)).toEqual(["plain", "plain", "plain", "plain"]);
  await producer.close();
});

test("a topic with all capabilities accepts everything, and a change of them while the producer runs takes effect", async () => {
  const driver = topicWithout();
  const producer = createProducer(fakeContext(driver), {});
  const message = { key: "", value: "v", producedAt: -1, toPartition: "0", headers: { "": "\udcff" } };
  await producer.send(message);
  driver.capabilities = { ...OWN_CAPABILITIES, producerTimestamps: false };
  expect(await refusal(producer.send(message))).toMatchObject({ code: "unsupported", capability: "producerTimestamps" });
  driver.capabilities = OWN_CAPABILITIES;
  await producer.send(message);
  await producer.close();
});

test("a topic that takes no headers at all refuses them as unsupported, those that streamport adds too, and nothing else", async () => {
  const driver = new FakeProducerDriver();
  driver.limits = { ...driver.limits, headerCount: 0 };
  const producer = createProducer(fakeContext(driver), {});
  const expected = { code: "unsupported", capability: "nativeHeaders", operation: "send", topic: "orders" };
  expect(await refusal(producer.send({ key: "a", value: "v", headers: { a: "b" } }))).toEqual(expected);
  await producer.send({ key: "a", value: "v" });
  await producer.close();
  const withIds = createProducer(fakeContext(driver), { messageIds: true });
  expect(await refusal(withIds.send({ key: "a", value: "v" }))).toEqual(expected);
  await withIds.close();
});

test("where nobody may choose a partition the driver is not asked for its lane", async () => {
  const driver = topicWithout("explicitPartition");
  const producer = createProducer(fakeContext(driver), {});
  await producer.send({ key: "a", value: "v" });
  const asked = driver.laneCalls;
  expect(await refusal(producer.send({ key: "a", value: "v", toPartition: "no partition" }))).toMatchObject({
    capability: "explicitPartition",
  });
  expect(driver.laneCalls).toBe(asked);
  await producer.close();
});

test("a record that is sent as it is needs what the provider has, where the driver reports nothing of the topic", async () => {
  const driver = new FakeProducerDriver();
  const missing = ["binaryKeys", "tombstones", "producerTimestamps", "exactHeaders"] as const;
  const capabilities = { ...OWN_CAPABILITIES, ...Object.fromEntries(missing.map((name) => [name, false])) };
  const sender = openRecordSender(fakeContext(driver, { capabilities }, missing), {});
  const record = { key: Buffer.from("a"), value: Buffer.from("v"), headers: [], timestampMs: null, toPartition: undefined };
  for (const [capability, more] of [
    ["binaryKeys", { key: Uint8Array.of(0xff) }],
    ["tombstones", { value: null }],
    ["producerTimestamps", { timestampMs: 5 }],
    ["exactHeaders", { headers: [["a", null]] as const }],
  ] as const) {
    expect(await refusal(sender.sendRecord({ ...record, ...more }))).toMatchObject({ code: "unsupported", capability });
  }
  await sender.sendRecord(record);
  await sender.close();
});

test("a record that is sent as it is, such as a dead letter, is refused in the same way", async () => {
  const driver = topicWithout("exactHeaders");
  const sender = openRecordSender(fakeContext(driver), {});
  const record = { key: null, value: new Uint8Array(0), timestampMs: null, toPartition: undefined };
  const value = Uint8Array.of(1);
  for (const headers of [
    [["a", null]],
    [
      ["a", value],
      ["a", value],
    ],
    [["\udcff", value]],
  ] as const) {
    expect(await refusal(sender.sendRecord({ ...record, headers }))).toMatchObject({ code: "unsupported", capability: "exactHeaders" });
  }
  await sender.sendRecord({ ...record, headers: [["a", value]] });
  await sender.close();
});
