import { expect, test } from "vitest";
import { murmur2 } from "../../../../adapters/memory/broker/hash.ts";
import { expectCode, open, outgoing, publish, readAll, series, signal, text } from "./harness.ts";

async function valuesByKey(opened: ReturnType<typeof open>): Promise<Map<string, string[]>> {
  const read = await readAll(opened.driver, "orders");
  const byKey = new Map<string, string[]>();
  for (const record of [...read.values()].flat())
    byKey.set(text(record.key)!, [...(byKey.get(text(record.key)!) ?? []), text(record.value)!]);
  return byKey;
}

test.each(["create=orders", ...["kafka", "kinesis", "event-hubs", "pubsub", "oci-streaming"].map((like) => `create=orders&like=${like}`)])(
  "records of a key lie in one partition, in the order of the calls (%s)",
  async (query) => {
    const opened = open(query);
    for (let from = 0; from < 300; from += 100) await publish(opened.driver, "orders", series(100, 20, from));
    const byKey = await valuesByKey(opened);
    expect(byKey.size).toBe(20);
    for (const [key, values] of byKey) {
      const number = Number(key.slice(4));
      expect(values).toEqual(Array.from({ length: 15 }, (_, round) => String(round * 20 + number)));
    }
  },
);

test("receipts name where each record lies", async () => {
  const { driver } = open();
  const before = Date.now();
  const results = await publish(driver, "orders", series(50));
  const read = await readAll(driver, "orders");
  results.forEach((result, index) => {
    if (result.outcome !== "stored") throw new Error(result.outcome);
    const record = read.get(result.partition!)!.find(({ position }) => position === result.position);
    expect(text(record!.value)).toBe(String(index));
    expect(record!.timestampMs).toBe(result.timestampMs);
    expect(result.timestampMs).toBeGreaterThanOrEqual(before);
  });
});

test("records without a key are spread over all partitions", async () => {
  const { driver } = open();
  for (let round = 0; round < 8; round += 1) await publish(driver, "orders", [outgoing(null, "v")]);
  const read = await readAll(driver, "orders");
  expect([...read.values()].map(({ length }) => length)).toEqual([2, 2, 2, 2]);
});

test.each(["", "like=kafka&"])("a chosen partition overrules the key, even if a lane has the same name (%s)", async (like) => {
  const { driver } = open(`${like}create=orders`);
  const records = Array.from({ length: 200 }, (_, index) => outgoing(index % 5 === 0 ? null : `key-${index}`, "v", { toPartition: "2" }));
  const results = await publish(driver, "orders", records);
  expect(new Set(results.map((result) => result.outcome === "stored" && result.partition))).toEqual(new Set(["2"]));
});

test("a partition that does not exist is refused, with the names of those that do", async () => {
  const { driver } = open();
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  expect(() => producer.laneOf(null, "9")).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining('"0", "1", "2", "3"') as string }),
  );
});

test("splits and merges keep lanes as they are and keys in order; queued messages for a partition go to its child", async () => {
  const opened = open();
  const { driver, broker } = opened;
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  const key = outgoing("key-1", "0").key!;
  const lane = producer.laneOf(key, undefined);
  const generation = producer.laneGeneration;
  for (const [round, partitions] of [9, 2, 7, 1, 4].entries()) {
    await publish(driver, "orders", series(70, 7, round * 70));
    const queued = {
      slices: [{ lane, records: [outgoing("other", "q", { toPartition: broker.topic("orders").open[0]!.id })], bytes: 1 }],
      bytes: 1,
    };
    broker.topic("orders").resize(partitions);
    expect((await producer.write(queued, signal))[0]).toMatchObject({ outcome: "each", results: [{ outcome: "stored" }] });
    expect(broker.topic("orders").open).toHaveLength(partitions);
  }
  expect([producer.laneOf(key, undefined), producer.laneGeneration]).toEqual([lane, generation]);
  const byKey = await valuesByKey(opened);
  for (let number = 0; number < 7; number += 1) {
    expect(byKey.get(`key-${number}`)).toEqual(Array.from({ length: 50 }, (_, round) => String(round * 7 + number)));
  }
});

test("every key lies where its hash points, even if a group of keys spans two partitions", async () => {
  const { driver, broker } = open("");
  await driver.admin.createTopic("orders", { partitions: 3 }, signal);
  await publish(driver, "orders", series(3_000, 3_000));
  for (const [partition, records] of await readAll(driver, "orders")) {
    const { begin, end } = broker.topic("orders").partitions.get(partition)!.range;
    const hashes = records.map(({ key }) => murmur2(key!));
    expect(hashes.filter((hash) => hash < begin || hash >= end)).toEqual([]);
    expect(hashes.length).toBeGreaterThan(800);
  }
});

test("like Kafka, growth moves keys and reports that; queued messages keep their partition", async () => {
  const { driver, broker } = open("create=orders&like=kafka");
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  const records = series(50, 50);
  const lanes = records.map(({ key }) => producer.laneOf(key, undefined));
  const generation = producer.laneGeneration;
  broker.topic("orders").resize(7);
  expect(producer.laneGeneration).toBeGreaterThan(generation);
  const moved = records.map(({ key }) => producer.laneOf(key, undefined));
  const changed = moved.findIndex((lane, index) => lane !== lanes[index]);
  expect(changed).toBeGreaterThanOrEqual(0);
  const [result] = await producer.write(
    { slices: [{ lane: lanes[changed]!, records: [records[changed]!], bytes: 10 }], bytes: 10 },
    signal,
  );
  expect(result).toMatchObject({ outcome: "stored", partition: lanes[changed] });
});

test("a missing topic is not found, a re-created one is a different one, and a message over the limit is refused", async () => {
  const { driver } = open();
  await expectCode(driver.producer("nowhere").prepare(signal), "not-found", /"nowhere"/);
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  const { identity, laneGeneration } = producer;
  await driver.admin.deleteTopic("orders", signal);
  const call = { slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 10 }], bytes: 10 };
  expect((await producer.write(call, signal))[0]).toMatchObject({ outcome: "refused", error: { code: "not-found" } });
  await driver.admin.createTopic("orders", { partitions: 1 }, signal);
  expect((await producer.write(call, signal))[0]).toMatchObject({ outcome: "stored" });
  expect(producer.identity).not.toEqual(identity);
  expect(producer.laneGeneration).toBeGreaterThan(laneGeneration);
  const large = { ...outgoing(null, ""), value: new Uint8Array(producer.limits.messageBytes + 1) };
  const tooLarge = await producer.write(
    { slices: [{ lane: null, records: [large], bytes: large.value.length }], bytes: large.value.length },
    signal,
  );
  expect(tooLarge[0]).toMatchObject({ outcome: "refused", error: { code: "too-large" } });
});

test.each([
  ["a message over the limit", { value: new Uint8Array(10_000_001) }, /10000000 bytes/],
  ["too many headers", { headers: Array.from({ length: 101 }, (_, index) => [`h${index}`, null] as const) }, /100 headers/],
  ["a long name of a header", { headers: [["h".repeat(257), null]] as const }, /name.*256 bytes/],
  ["a long value of a header", { headers: [["h", new Uint8Array(1_025)]] as const }, /value.*1024 bytes/],
])("like Pub/Sub, the service refuses %s, also where the core has not", async (_, more, text) => {
  const { driver } = open("create=orders&like=pubsub");
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  const record = outgoing("a", "v", more);
  const call = { slices: [{ lane: "a", records: [record], bytes: record.value!.length + 1 }], bytes: record.value!.length + 1 };
  const [result] = await producer.write(call, signal);
  expect(result).toMatchObject({ outcome: "refused", error: { code: "too-large", message: expect.stringMatching(text) as string } });
});

test.each<[string, number, number, RegExp]>([
  ["kinesis", 501, 1, /501 records; allowed are 500/],
  ["kinesis", 1, 501, /501 records; allowed are 500/],
  ["oci-streaming", 1_001, 1, /1001 records; allowed are 1000/],
  ["pubsub", 1, 1_001, /1001 messages; allowed are 1000/],
])(
  "like %s, a call with more than fits (%i lanes, %i messages without one each) is a defect of the core, and nothing of it is stored",
  async (like, lanes, each, text) => {
    const opened = open(`create=orders&like=${like}`);
    const producer = opened.driver.producer("orders");
    await producer.prepare(signal);
    const slices = Array.from({ length: lanes }, (_, index) => ({
      lane: lanes === 1 ? null : `key-${index}`,
      records: Array.from({ length: each }, () => outgoing(lanes === 1 ? null : `key-${index}`, "v")),
      bytes: each,
    }));
    for (const result of await producer.write({ slices, bytes: lanes * each }, signal)) {
      if (result.outcome !== "each") throw new Error(result.outcome);
      for (const one of result.results) {
        expect(one).toMatchObject({ outcome: "refused", error: { code: "internal", message: expect.stringMatching(text) as string } });
      }
    }
    expect([...(await readAll(opened.driver, "orders")).values()].flat()).toEqual([]);
  },
);

test("a call with a delay that is abandoned has an unknown outcome", async () => {
  const { driver } = open("create=orders&delayMs=30");
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  const abort = new AbortController();
  const writing = producer.write({ slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 10 }], bytes: 10 }, abort.signal);
  abort.abort();
  expect((await writing)[0]).toMatchObject({ outcome: "unknown" });
});

test("calls are reported if a listener wants them", async () => {
  const { driver, reports } = open();
  await publish(driver, "orders", series(3));
  expect(reports).toContainEqual({ kind: "call", operation: "publish", topic: "orders", bytes: 300, messages: 3 });
});
