import { expect, test } from "vitest";
import { CAPABILITIES as EVENT_HUBS } from "../../../../adapters/event-hubs/capabilities.ts";
import { CAPABILITIES as KAFKA } from "../../../../adapters/kafka/capabilities.ts";
import { CAPABILITIES as KINESIS } from "../../../../adapters/kinesis/capabilities.ts";
import { memory } from "../../../../adapters/memory/index.ts";
import { CAPABILITIES, OWN_CAPABILITIES } from "../../../../adapters/memory/capabilities.ts";
import { LIKES, type Like, profileOf } from "../../../../adapters/memory/profiles.ts";
import { CAPABILITIES as OCI_STREAMING } from "../../../../adapters/oci-streaming/capabilities.ts";
import { CAPABILITIES as PUBSUB } from "../../../../adapters/pubsub/capabilities.ts";
import type { Capabilities, Capability } from "../../../../src/driver/index.ts";
import { TestMember, eventually, expectCode, open, outgoing, publish, readAll, series, signal, text } from "./harness.ts";

const billing = { group: "billing", nativeGroup: undefined };
const binary = Uint8Array.of(0xff, 0x41);
const lossy = new Uint8Array(Buffer.from("\ufffdA"));

function missing(query: string): Capability[] {
  const { capabilities } = open(query).driver;
  return CAPABILITIES.filter((name) => !capabilities[name]);
}

test("the provider's own form has every capability", () => {
  expect(CAPABILITIES.filter((name) => !OWN_CAPABILITIES[name])).toEqual([]);
  expect(missing("create=orders")).toEqual([]);
});

const DECLARED: Readonly<Record<Like, Capabilities>> = {
  kafka: KAFKA,
  kinesis: KINESIS,
  "event-hubs": EVENT_HUBS,
  pubsub: PUBSUB,
  "oci-streaming": OCI_STREAMING,
};

test.each(LIKES)("the form of %s declares what the provider's own adapter declares", (like) => {
  const { limits, ...others } = profileOf(like, []).capabilities;
  const { limits: declared, ...declaredOthers } = DECLARED[like];
  expect(others).toEqual(declaredOthers);
  // An adapter may need some bytes for itself.
  expect(Object.keys(limits).toSorted()).toEqual(Object.keys(declared).toSorted());
  for (const [name, most] of Object.entries(declared)) {
    const ofForm = limits[name as keyof typeof limits]!;
    expect(ofForm, name).toBeGreaterThanOrEqual(most);
    expect(ofForm, name).toBeLessThan(most * 1.02);
  }
});

test("each form lacks what its provider lacks", () => {
  expect(missing("like=kafka").toSorted()).toEqual(["growthKeepsKeyOrder", "lagInTime", "partitionMerge"]);
  expect(missing("like=kinesis").toSorted()).toEqual(["lagInMessages", "nativeHeaders", "producerTimestamps"]);
  expect(missing("like=event-hubs").toSorted()).toEqual([
    "binaryKeys",
    "exactHeaders",
    "growthKeepsKeyOrder",
    "lagInTime",
    "partitionGrowth",
    "partitionMerge",
    "producerTimestamps",
    "receiptPositions",
    "topicAdmin",
    "topicListing",
  ]);
  expect(CAPABILITIES.filter((name) => !missing("like=pubsub").includes(name)).toSorted()).toEqual([
    "groupAdmin",
    "groupReset",
    "growthKeepsKeyOrder",
    "handledAhead",
    "nativeHeaders",
    "receiptPositions",
    "startAtTimestamp",
    "tombstones",
    "topicAdmin",
    "topicListing",
  ]);
  expect(missing("like=oci-streaming").toSorted()).toEqual([
    "explicitPartition",
    "growthKeepsKeyOrder",
    "lagInMessages",
    "lagInTime",
    "nativeHeaders",
    "partitionGrowth",
    "partitionMerge",
    "producerTimestamps",
  ]);
});

test("messages have the limits of each provider: what the service counts besides, and what an envelope needs, is not left to them", () => {
  const limits = LIKES.map((like) => [like, profileOf(like, []).capabilities.limits] as const);
  expect(Object.fromEntries(limits)).toEqual({
    kafka: { messageBytes: 1_048_576, keyBytes: 1_048_576, headerBytes: 1_048_576 },
    kinesis: { messageBytes: 1_047_552, keyBytes: 1_024, headerBytes: 1_047_552 },
    "event-hubs": { messageBytes: 1_048_320, keyBytes: 128, headerBytes: 1_048_320 },
    pubsub: {
      messageBytes: 10_000_000,
      keyBytes: 1_024,
      headerBytes: 128_000,
      headerCount: 100,
      headerNameBytes: 256,
      headerValueBytes: 1_024,
    },
    "oci-streaming": { messageBytes: 1_048_320, keyBytes: 1_024, headerBytes: 1_048_320 },
  });
  for (const like of LIKES) {
    const { shape, capabilities } = profileOf(like, []);
    expect(shape.maxLaneBytes).toBeGreaterThanOrEqual(capabilities.limits.messageBytes);
  }
});

test("calls have the shape of each provider", () => {
  const shapes = LIKES.map((like) => {
    const { lane, lanesPerCall, maxLaneMessages } = profileOf(like, []).shape;
    return [like, lane, lanesPerCall, maxLaneMessages > 1];
  });
  expect(shapes).toEqual([
    ["kafka", "partition", "many", true],
    ["kinesis", "key", "many", true],
    ["event-hubs", "partition", "one", true],
    ["pubsub", "key", "one", true],
    ["oci-streaming", "key", "many", true],
  ]);
  expect(profileOf("kinesis", []).shape).toMatchObject({ maxCallRecords: 500, maxCallBytes: 5_242_880 });
  for (const like of LIKES) {
    const { shape, capabilities } = profileOf(like, []);
    expect(shape.maxCallBytes).toBeGreaterThanOrEqual(capabilities.limits.messageBytes);
    expect(capabilities.limits.keyBytes).toBeGreaterThanOrEqual(128);
  }
});

test.each([
  ["kafka", "position", { kind: "before", position: "0" }, { kind: "before", position: "0" }],
  ["event-hubs", "position", { kind: "before", position: "0" }, { kind: "timestamp", timestampMs: 5 }],
  ["kinesis", "caught-up", { kind: "caught-up" }, { kind: "timestamp", timestampMs: 5 }],
  ["oci-streaming", "caught-up", { kind: "caught-up" }, { kind: "timestamp", timestampMs: 5 }],
  ["pubsub", "quiet", { kind: "quiet" }, { kind: "stored-before", timestampMs: 5 }],
] as const)("like %s, a reader ends by %s", async (like, readerEnd, end, endAtTime) => {
  const { driver } = open(`like=${like}&create=orders`);
  expect(driver.capabilities.readerEnd).toBe(readerEnd);
  const range = await driver.reader("orders").resolve({ from: { kind: "earliest" }, until: { kind: "now" }, partitions: null }, signal);
  expect(range.partitions[0]!.end).toEqual(end);
  const timed = await driver
    .reader("orders")
    .resolve({ from: { kind: "earliest" }, until: { kind: "timestamp", timestampMs: 5 }, partitions: null }, signal);
  expect(timed.partitions[0]!.end).toEqual(endAtTime);
});

test("a quiet end comes after a time without records, not at once", async () => {
  const { driver } = open("like=pubsub&create=orders");
  await publish(driver, "orders", series(3));
  const begun = performance.now();
  const reading = readAll(driver, "orders");
  setTimeout(() => void publish(driver, "orders", series(2, 7, 3)), 25);
  expect((await reading).get("0")).toHaveLength(5);
  expect(performance.now() - begun).toBeGreaterThan(65);
});

test("without receiptPositions a receipt has no partition, position or time", async () => {
  const hub = open("like=event-hubs&create=orders");
  expect(await publish(hub.driver, "orders", [outgoing("a", "1")])).toEqual([
    { outcome: "stored", partition: null, position: null, timestampMs: null },
  ]);
  const { driver } = open("without=receiptPositions&create=orders");
  const both = [outgoing("a", "1", { toPartition: "0" }), outgoing("a", "2", { toPartition: "1" })];
  for (const result of await publish(driver, "orders", both))
    expect(result).toMatchObject({ outcome: "stored", partition: null, position: null });
});

test("without binaryKeys, exactHeaders, producerTimestamps or tombstones, a record keeps text, a map, the provider's time and an empty value", async () => {
  const keep = async (without: string) => {
    const { driver } = open(`create=orders&without=${without}`);
    const headers = [
      ["a", binary],
      ["b", Uint8Array.of(1)],
      ["a", Uint8Array.of(65)],
    ] as const;
    await publish(driver, "orders", [{ ...outgoing(null, null, { timestampMs: 5 }), key: binary, headers }]);
    return [...(await readAll(driver, "orders")).values()].flat()[0]!;
  };
  expect((await keep("binaryKeys")).key).toEqual(lossy);
  expect((await keep("exactHeaders")).headers.map(([name, value]) => [name, ...(value ?? [])])).toEqual([
    ["a", 65],
    ["b", 1],
  ]);
  expect((await keep("producerTimestamps")).timestampMs).toBeGreaterThan(5);
  expect((await keep("tombstones")).value).toEqual(new Uint8Array(0));
  const exact = await keep("nativeHeaders");
  expect([exact.key, exact.value, exact.timestampMs, exact.headers.length]).toEqual([binary, null, 5, 3]);
});

test("an operation that a form does not have is unsupported, with the name of the capability", async () => {
  const refused = async (query: string, capability: Capability, call: (driver: ReturnType<typeof open>["driver"]) => Promise<unknown>) => {
    const { driver } = open(`create=orders&${query}`);
    await expect(call(driver)).rejects.toMatchObject({ code: "unsupported", capability });
  };
  await refused("like=event-hubs", "topicAdmin", ({ admin }) => admin.createTopic("more", {}, signal));
  await refused("like=event-hubs", "topicAdmin", ({ admin }) => admin.deleteTopic("orders", signal));
  await refused("like=oci-streaming", "partitionGrowth", ({ admin }) => admin.updateTopic("orders", { partitions: 5 }, signal));
  await refused("like=kafka", "partitionMerge", ({ admin }) => admin.updateTopic("orders", { partitions: 3 }, signal));
  await refused("like=event-hubs", "topicListing", ({ admin }) => admin.listTopics(signal));
  await refused("without=groupAdmin", "groupAdmin", ({ admin }) => admin.listGroups("orders", signal));
  await refused("without=groupAdmin", "groupAdmin", ({ admin }) => admin.deleteGroup("orders", billing, signal));
  await refused("without=groupReset", "groupReset", ({ admin }) => admin.resetGroup("orders", billing, { kind: "latest" }, signal));
  await refused("like=pubsub", "partitions", ({ admin }) => admin.createTopic("more", { partitions: 2 }, signal));
  const { driver } = open("create=orders&like=oci-streaming");
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  expect(() => producer.laneOf(null, "0")).toThrow(expect.objectContaining({ code: "unsupported", capability: "explicitPartition" }));
});

test("lag has only the figures that the form supports", async () => {
  const lagOf = async (query: string) => {
    const { driver } = open(`create=orders&${query}`);
    await driver.admin.resetGroup("orders", billing, { kind: "earliest" }, signal);
    await publish(driver, "orders", series(3));
    const { messages, timeMs } = await driver.admin.lag("orders", billing, { partitions: null, initialPosition: null }, signal);
    return [messages, timeMs === null];
  };
  expect(await lagOf("like=kafka")).toEqual([3, true]);
  expect(await lagOf("like=kinesis")).toEqual([null, false]);
  expect(await lagOf("without=lagInTime,lagInMessages")).toEqual([null, true]);
});

test("without growthKeepsKeyOrder growth adds partitions in place, and a merge is not possible", async () => {
  const { driver, broker } = open("create=orders&without=growthKeepsKeyOrder");
  expect(driver.capabilities.partitionMerge).toBe(false);
  await driver.admin.updateTopic("orders", { partitions: 6 }, signal);
  expect([...broker.topic("orders").partitions.values()].every(({ parents, log }) => parents.length === 0 && !log.closed)).toBe(true);
});

test("without partitions a topic has one, and the capabilities that need several are off", async () => {
  const { driver, name } = open("create=orders&without=partitions");
  expect(missing("without=partitions").toSorted()).toEqual(["explicitPartition", "partitionGrowth", "partitionMerge", "partitions"]);
  expect((await driver.admin.describeTopic("orders", signal)).partitions).toEqual(["0"]);
  await open("create=several", name).driver.check(signal);
  await expectCode(driver.admin.describeTopic("several", signal), "unsupported", /4 partitions/);
});

test.each([
  ["kinesis", 86_400_000, 31_536_000_000, 86_400_000],
  ["event-hubs", 3_600_000, 7_776_000_000, null],
  ["pubsub", 600_000, 2_678_400_000, 604_800_000],
  ["oci-streaming", 86_400_000, 604_800_000, 86_400_000],
] as const)("like %s, topics have the retention that is documented, and no other", async (like, leastMs, mostMs, defaultMs) => {
  const partitions = like === "pubsub" ? 1 : 4;
  const topics = (retentionMs?: number) =>
    memory({ like, topics: { orders: { partitions, ...(retentionMs === undefined ? {} : { retentionMs }) } } });
  for (const refused of [leastMs - 1, mostMs + 1])
    expect(() => topics(refused)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(`${leastMs} to ${mostMs}`) as string }),
    );
  for (const accepted of [leastMs, mostMs]) topics(accepted);
  const { driver } = open(`create=orders&like=${like}`);
  expect((await driver.admin.describeTopic("orders", signal)).retentionMs).toBe(defaultMs);
  if (like === "event-hubs") return;
  await expectCode(driver.admin.createTopic("more", { retentionMs: leastMs - 1 }, signal), "invalid-argument");
  await driver.admin.createTopic("more", { retentionMs: leastMs }, signal);
  const isFixed = like === "oci-streaming";
  await expectCode(driver.admin.updateTopic("more", { retentionMs: mostMs + 1 }, signal), isFixed ? "unsupported" : "invalid-argument");
  await driver.admin.updateTopic("more", { retentionMs: leastMs }, signal);
  const changed = driver.admin.updateTopic("more", { retentionMs: mostMs }, signal);
  if (isFixed) await expectCode(changed, "unsupported", /cannot change the retention/);
  else await changed;
  expect((await driver.admin.describeTopic("more", signal)).retentionMs).toBe(isFixed ? leastMs : mostMs);
});

test.each([
  ["kafka", 6_000],
  ["kinesis", 3_000],
  ["event-hubs", 3_000],
  ["pubsub", 10_000],
  ["oci-streaming", 3_000],
] as const)("like %s, a session of less than %i ms is refused", async (like, leastMs) => {
  const { driver } = open(`create=orders&like=${like}`);
  const short = new TestMember(driver, "orders", { sessionTimeoutMs: leastMs - 1 });
  await expectCode(short.start(), "invalid-argument", new RegExp(`at least ${leastMs}; received ${leastMs - 1}`));
  const member = new TestMember(driver, "orders", { sessionTimeoutMs: leastMs });
  await member.start();
  await member.consumer.close();
});

test("a topic narrows the capabilities to its layout", async () => {
  const { name } = open("create=orders&like=kafka");
  const own = open("create=mine", name).driver;
  expect(await own.topicCapabilities("orders", signal)).toMatchObject({ partitionMerge: false, growthKeepsKeyOrder: false });
  expect(await own.topicCapabilities("mine", signal)).toEqual(own.capabilities);
});

test.each(LIKES)("like %s, two members handle everything that one producer wrote", async (like) => {
  const { driver } = open(`create=orders&like=${like}`);
  const members = [new TestMember(driver, "orders"), new TestMember(driver, "orders")];
  expect(members[0]!.consumer.settlementUnit).toBe(like === "pubsub" ? "record" : "position");
  for (const member of members) await member.start();
  await publish(driver, "orders", series(100));
  await eventually(() => expect(members.flatMap(({ records }) => records)).toHaveLength(100));
  for (const member of members) {
    for (const records of Map.groupBy(member.records, ({ record }) => text(record.key)).values()) {
      const values = records.map(({ record }) => Number(text(record.value)));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
    await member.consumer.close();
  }
});
