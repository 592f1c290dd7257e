import { expect, test } from "vitest";
import { openMemory } from "../../../adapters/memory/open.ts";
import { startMemoryEmulator } from "../../../localstack/memory-emulator.ts";
import type { ProviderDriver } from "../../../src/driver/index.ts";

const signal = new AbortController().signal;

function connect(url: string): ProviderDriver {
  return openMemory(url).open({ report: Object.assign(() => {}, { wants: () => false }) });
}

test("an emulator is a separate broker, with the given topics", async () => {
  await using emulator = await startMemoryEmulator({ topics: { orders: { partitions: 2, groups: ["billing"] } } });
  await using other = await startMemoryEmulator();
  await emulator.createTopic("payments");
  expect(await connect(emulator.url).admin.listTopics(signal)).toEqual(["orders", "payments"]);
  expect((await connect(emulator.url).admin.describeTopic("orders", signal)).partitions).toHaveLength(2);
  expect(await connect(other.url).admin.listTopics(signal)).toEqual([]);
  await expect(emulator.createTopic("orders")).rejects.toMatchObject({ code: "already-exists" });
});

test("it takes the form of another provider, for connections by its URL and for its topics", async () => {
  await using emulator = await startMemoryEmulator({ like: "kafka", without: ["tombstones"], delayMs: 1, topics: { orders: {} } });
  const driver = connect(emulator.url);
  expect(driver.capabilities).toMatchObject({ growthKeepsKeyOrder: false, tombstones: false });
  await driver.admin.updateTopic("orders", { partitions: 6 }, signal);
  expect((await driver.admin.describeTopic("orders", signal)).partitions).toEqual(["0", "1", "2", "3", "4", "5"]);
  await expect(startMemoryEmulator({ like: "rabbit" as "kafka" })).rejects.toMatchObject({ code: "configuration" });
});

test("faults apply to the connections of its URL", async () => {
  await using emulator = await startMemoryEmulator();
  const driver = connect(emulator.url);
  emulator.inject({ kind: "refuse-authorization", times: 2 });
  await expect(driver.check(signal)).rejects.toMatchObject({ code: "permission-denied" });
  await expect(driver.check(signal)).rejects.toMatchObject({ code: "permission-denied" });
  await driver.check(signal);
});

test("emulators of one name share a broker and what is planned for it", async () => {
  await using one = await startMemoryEmulator({ name: "shared-by-two" });
  one.inject({ kind: "refuse-authorization" });
  await using other = await startMemoryEmulator({ name: "shared-by-two" });
  other.inject({ kind: "disconnect" });
  const driver = connect(one.url);
  await expect(driver.check(signal)).rejects.toMatchObject({ code: "permission-denied" });
  one.inject({ kind: "refuse-authorization" });
  other.clearFaults();
  await driver.check(signal);
});

test("closing drops the stored records", async () => {
  const emulator = await startMemoryEmulator({ topics: { orders: {} } });
  await emulator.close();
  await emulator.close();
  expect(await connect(emulator.url).admin.listTopics(signal)).toEqual([]);
});

test("compaction and retention need a topic that exists", async () => {
  await using emulator = await startMemoryEmulator({ topics: { orders: {} } });
  await emulator.compact("orders");
  await emulator.expire("orders");
  await expect(emulator.compact("payments")).rejects.toMatchObject({ code: "not-found" });
  await expect(emulator.expire("payments")).rejects.toMatchObject({ code: "not-found" });
});

test("damage needs a partition with a record", async () => {
  await using emulator = await startMemoryEmulator({ topics: { orders: {} } });
  const refusal = (code: string) => expect.objectContaining({ code });
  expect(() => emulator.damage("payments", "0")).toThrow(refusal("not-found"));
  expect(() => emulator.damage("orders", "7")).toThrow(refusal("invalid-argument"));
  expect(() => emulator.damage("orders", "0")).toThrow(refusal("invalid-argument"));
  expect(() => emulator.damage("orders", "0", { times: 0 })).toThrow(refusal("invalid-argument"));
});
