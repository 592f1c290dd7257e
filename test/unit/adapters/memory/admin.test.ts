import { expect, test } from "vitest";
import type { GroupName, Lag, LagRequest, PartitionPlace, StartPoint } from "../../../../src/driver/index.ts";
import { TestMember, eventually, expectCode, open, outgoing, publish, readAll, series, signal } from "./harness.ts";

const billing = { group: "billing", nativeGroup: undefined };

test("topics are created, described, listed, changed and deleted", async () => {
  const { driver } = open("");
  const { admin } = driver;
  await admin.createTopic("payments", { partitions: 3, retentionMs: 60_000 }, signal);
  await admin.createTopic("refunds", {}, signal);
  await expectCode(admin.createTopic("refunds", {}, signal), "already-exists", /"refunds"/);
  expect(await admin.describeTopic("payments", signal)).toEqual({
    identity: await driver.identity("payments", signal),
    partitions: ["0", "1", "2"],
    openPartitions: 3,
    retentionMs: 60_000,
    maxMessageBytes: driver.capabilities.limits.messageBytes,
  });
  expect((await admin.describeTopic("refunds", signal)).partitions).toHaveLength(4);
  expect(await admin.listTopics(signal)).toEqual(["payments", "refunds"]);
  await admin.updateTopic("payments", { partitions: 4, retentionMs: 1_000 }, signal);
  expect(await admin.describeTopic("payments", signal)).toMatchObject({ partitions: ["0", "1", "3", "4"], retentionMs: 1_000 });
  await admin.deleteTopic("payments", signal);
  for (const call of [
    admin.describeTopic("payments", signal),
    admin.deleteTopic("payments", signal),
    admin.updateTopic("payments", {}, signal),
  ]) {
    await expectCode(call, "not-found", /"payments"/);
  }
});

test("closed shards are listed while they hold records, and marked as closed", async () => {
  const { driver, broker } = open("");
  await driver.admin.createTopic("orders", { partitions: 2 }, signal);
  await publish(driver, "orders", [outgoing("a", "v", { toPartition: "0" })]);
  await driver.admin.updateTopic("orders", { partitions: 1 }, signal);
  expect(await driver.admin.describeTopic("orders", signal)).toMatchObject({ partitions: ["0", "2"], openPartitions: 1 });
  broker.topic("orders").retain({ retentionBytes: 0 });
  expect(await driver.admin.describeTopic("orders", signal)).toMatchObject({ partitions: ["2"], openPartitions: 1 });
});

test("retention by age is applied at every access", async () => {
  const { driver } = open("");
  await driver.admin.createTopic("orders", { retentionMs: 400 }, signal);
  await publish(driver, "orders", series(10));
  expect([...(await readAll(driver, "orders")).values()].flat()).toHaveLength(10);
  await new Promise((resolve) => setTimeout(resolve, 410));
  expect([...(await readAll(driver, "orders")).values()].flat()).toHaveLength(0);
});

test("groups are listed, described, reset and deleted, but not while they have members", async () => {
  const { driver } = open();
  const { admin } = driver;
  await publish(driver, "orders", series(40));
  await expectCode(admin.describeGroup("orders", billing, signal), "not-found", /"billing"/);
  const member = new TestMember(driver, "orders");
  await member.start();
  await eventually(() => expect(member.records).toHaveLength(40));
  expect(await admin.listGroups("orders", signal)).toEqual([{ group: "billing", nativeGroup: "billing" }]);
  const described = await admin.describeGroup("orders", billing, signal);
  expect(described).toMatchObject({ nativeName: "billing", members: 1 });
  const ends = await readAll(driver, "orders");
  for (const [partition, records] of ends)
    expect(described.places!.get(partition)).toEqual({ kind: "at", position: String(records.length) });
  await expectCode(admin.resetGroup("orders", billing, { kind: "earliest" }, signal), "conflict");
  await expectCode(admin.deleteGroup("orders", billing, signal), "conflict");
  await member.consumer.close();
  const moving: StartPoint = { kind: "position", partition: "1", place: { kind: "at", position: "0" } };
  expect(await admin.planReset("orders", billing, moving, signal)).toEqual(new Map([["1", moving.place]]));
  await admin.resetGroup("orders", billing, moving, signal);
  const moved = (await admin.describeGroup("orders", billing, signal)).places!;
  for (const [partition, place] of described.places!) expect(moved.get(partition)).toEqual(partition === "1" ? moving.place : place);
  await admin.deleteGroup("orders", billing, signal);
  await expectCode(admin.deleteGroup("orders", billing, signal), "not-found");
  expect(await admin.listGroups("orders", signal)).toEqual([]);
});

test("a reset goes to a time, to the ends, or to a bookmark with ended shards", async () => {
  const { driver, broker } = open();
  const { admin } = driver;
  await publish(
    driver,
    "orders",
    [10, 20, 30].map((timestampMs) => outgoing("k", "v", { timestampMs, toPartition: "0" })),
  );
  broker.topic("orders").resize(5);
  const placesOf = async (to: Parameters<typeof admin.resetGroup>[2]) => {
    await admin.resetGroup("orders", billing, to, signal);
    return (await admin.describeGroup("orders", billing, signal)).places!;
  };
  expect((await placesOf({ kind: "timestamp", timestampMs: 15 })).get("0")).toEqual({ kind: "at", position: "1" });
  expect((await placesOf({ kind: "latest" })).get("0")).toEqual({ kind: "ended" });
  expect((await placesOf({ kind: "earliest" })).get("0")).toEqual({ kind: "at", position: "0" });
  const child = broker.topic("orders").partitions.get("0")!.children[0]!.id;
  await admin.deleteGroup("orders", billing, signal);
  const places = new Map<string, PartitionPlace>([[child, { kind: "at", position: "0" }]]);
  expect((await placesOf({ kind: "places", places })).get("0")).toEqual({ kind: "ended" });
  const behind = new Map<string, PartitionPlace>([["1", { kind: "at", position: "7" }]]);
  await expectCode(admin.resetGroup("orders", billing, { kind: "places", places: behind }, signal), "position-out-of-range");
});

test("a plan of a reset is what the reset does: partitions that a bookmark does not list start at their beginning", async () => {
  const { driver } = open();
  const { admin } = driver;
  await publish(driver, "orders", series(40));
  await admin.resetGroup("orders", billing, { kind: "latest" }, signal);
  const older: StartPoint = { kind: "places", places: new Map([["1", { kind: "latest" }]]) };
  const planned = await admin.planReset("orders", billing, older, signal);
  expect(await admin.planReset("orders", { group: "new", nativeGroup: undefined }, older, signal)).toEqual(planned);
  await admin.resetGroup("orders", billing, older, signal);
  const { places } = await admin.describeGroup("orders", billing, signal);
  expect(places).toEqual(planned);
  const others = [...places!].filter(([partition]) => partition !== "1");
  expect(others).toEqual(others.map(([partition]) => [partition, { kind: "at", position: "0" }]));
  expect(others.length).toBeGreaterThan(0);
  expect(await admin.listGroups("orders", signal)).toEqual([{ group: "billing", nativeGroup: "billing" }]);
});

test("lag counts messages and the age of the oldest", async () => {
  const { driver } = open();
  await driver.admin.resetGroup("orders", billing, { kind: "earliest" }, signal);
  const old = Date.now() - 5_000;
  await publish(driver, "orders", [outgoing("a", "1", { timestampMs: old, toPartition: "0" }), outgoing("a", "2", { toPartition: "0" })]);
  const lagOf = async (name: GroupName, request: Partial<LagRequest> = {}): Promise<Lag> =>
    driver.admin.lag("orders", name, { partitions: null, initialPosition: null, ...request }, signal);
  const lag = await lagOf(billing);
  expect(lag.messages).toBe(2);
  expect(lag.timeMs).toBeGreaterThanOrEqual(5_000);
  expect(lag.partitions.map(({ partition, messages }) => [partition, messages])).toEqual([
    ["0", 2],
    ["1", 0],
    ["2", 0],
    ["3", 0],
  ]);
  const { timeMs, ...ofTwo } = await lagOf(billing, { partitions: ["1", "2", "9"], initialPosition: { kind: "latest" } });
  expect(timeMs).toBe(0);
  expect(ofTwo).toMatchObject({ messages: 0, partitions: [{ partition: "1" }, { partition: "2" }] });
  const unknown = { group: "unknown", nativeGroup: undefined };
  await expectCode(lagOf(unknown), "not-found");
  expect((await lagOf(unknown, { initialPosition: { kind: "earliest" } })).messages).toBe(2);
  expect((await lagOf(unknown, { initialPosition: { kind: "latest" } })).messages).toBe(0);
  await expectCode(lagOf(unknown), "not-found");
});

test("a native name is the group's name", async () => {
  const { driver } = open();
  const native = { group: "billing", nativeGroup: "legacy" };
  await driver.admin.resetGroup("orders", native, { kind: "earliest" }, signal);
  expect((await driver.admin.listGroups("orders", signal))[0]!.nativeGroup).toBe("legacy");
  const member = new TestMember(driver, "orders", { nativeGroup: "legacy", initialPosition: "fail" });
  await member.start();
  expect(member.failures).toEqual([]);
  await member.consumer.close();
});
