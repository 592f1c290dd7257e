import { expect, test } from "vitest";
import type { PartitionPlace, RangePartition, ReaderSink, StartPoint, StoredRecord } from "../../../../src/driver/index.ts";
import { eventually, expectCode, open, outgoing, publish, readAll, series, signal, text } from "./harness.ts";

const earliest = { kind: "earliest" } as const;

async function resolveOne(opened: ReturnType<typeof open>, request: Parameters<typeof readAll>[2]): Promise<RangePartition> {
  const range = await opened.driver.reader("orders").resolve({ from: earliest, until: null, partitions: ["0"], ...request }, signal);
  return range.partitions[0]!;
}

/** Partition "0" with records of these times. */
async function timed(times: readonly number[], query = "create=orders"): Promise<ReturnType<typeof open>> {
  const opened = open(query);
  await publish(
    opened.driver,
    "orders",
    times.map((timestampMs, index) => outgoing("k", String(index), { timestampMs, toPartition: "0" })),
  );
  return opened;
}

const at = (position: string) => ({ kind: "at", position }) as const;

test("every kind of start is resolved to a position", async () => {
  const opened = await timed([100, 300, 200, 400]);
  const startOf = async (from: StartPoint) => (await resolveOne(opened, { from })).start;
  expect(await startOf(earliest)).toEqual(at("0"));
  expect(await startOf({ kind: "latest" })).toEqual(at("4"));
  expect(await startOf({ kind: "timestamp", timestampMs: 150 })).toEqual(at("1"));
  expect(await startOf({ kind: "timestamp", timestampMs: 401 })).toEqual(at("4"));
  expect(await startOf({ kind: "places", places: new Map([["0", at("2")]]) })).toEqual(at("2"));
  expect(await startOf({ kind: "places", places: new Map([["0", { kind: "after", position: "3" }]]) })).toEqual(at("4"));
});

test("every kind of end is resolved to a position", async () => {
  const opened = await timed([100, 300, 200, 400]);
  const endOf = async (until: NonNullable<Parameters<typeof readAll>[2]>["until"]) => (await resolveOne(opened, { until: until! })).end;
  const before = (position: string) => ({ kind: "before", position });
  expect((await resolveOne(opened, { until: null })).end).toBeNull();
  expect(await endOf({ kind: "now" })).toEqual(before("4"));
  expect(await endOf({ kind: "timestamp", timestampMs: 200 })).toEqual(before("1"));
  expect(await endOf({ kind: "timestamp", timestampMs: 500 })).toEqual(before("4"));
  expect(await endOf({ kind: "places", places: new Map([["0", at("3")]]) })).toEqual(before("3"));
  const through = await endOf({ kind: "places", places: new Map([["0", { kind: "after", position: "1" }]]) });
  expect(through).toEqual({ kind: "through", position: "1" });
  expect(await endOf({ kind: "places", places: new Map([["1", { kind: "latest" }]]) })).toEqual(before("0"));
});

test("an invalid place is refused", async () => {
  const opened = await timed([1, 2]);
  const resolve = (position: string, kind: "at" | "after" = "at") =>
    resolveOne(opened, { from: { kind: "places", places: new Map([["0", { kind, position }]]) } });
  expect((await resolve("2")).start).toEqual(at("2"));
  await expectCode(resolve("3"), "position-out-of-range", /"0", which is 2/);
  await expectCode(resolve("2", "after"), "position-out-of-range");
  for (const malformed of ["", "-1", "01", "1.5", "x", "12345678901234567"])
    await expectCode(resolve(malformed), "invalid-argument", /decimal number/);
  await expectCode(resolveOne(opened, { partitions: ["0", "8"] }), "invalid-argument", /"8".*"0", "1", "2", "3"/);
  await expectCode(opened.driver.reader("nowhere").resolve({ from: earliest, until: null, partitions: null }, signal), "not-found");
});

test("positions compare as numbers, and only positions do", () => {
  const { driver } = open();
  const sorted = ["0", "9", "10", "99", "100", "9007199254740991"];
  expect(sorted.toReversed().toSorted((a, b) => driver.compare(a, b))).toEqual(sorted);
  expect(driver.compare("10", "10")).toBe(0);
  expect(() => driver.compare("1", "one")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});

test("a part of a range that retention has dropped is reported before reading", async () => {
  const opened = await timed([100, 200, 300, 400]);
  opened.broker.topic("orders").retain({ retentionBytes: 4 });
  expect((await resolveOne(opened, {})).gap).toBeNull();
  expect(await resolveOne(opened, { from: { kind: "places", places: new Map([["0", at("0")]]) } })).toMatchObject({
    start: at("0"),
    gap: { resumesAt: at("2"), missing: 2 },
  });
  const short = {
    from: { kind: "places", places: new Map([["0", at("0")]]) },
    until: { kind: "places", places: new Map([["0", at("1")]]) },
  } as const;
  expect((await resolveOne(opened, short)).gap).toMatchObject({ missing: 1 });
  expect((await resolveOne(opened, { from: { kind: "timestamp", timestampMs: 200 } })).gap).toEqual({ resumesAt: at("2"), missing: null });
  expect((await resolveOne(opened, { from: { kind: "timestamp", timestampMs: 201 } })).gap).toBeNull();
});

test("records that retention drops during reading are reported as a gap, and accepting it continues after the gap", async () => {
  const opened = await timed([1, 2, 3, 4, 5, 6]);
  const [range] = (await opened.driver.reader("orders").resolve({ from: earliest, until: { kind: "now" }, partitions: ["0"] }, signal))
    .partitions;
  opened.broker.topic("orders").retain({ retentionBytes: 4 });
  const seen: unknown[] = [];
  const sink: ReaderSink = {
    deliver: async (_, records) => (seen.push(...records.map(({ position }) => position)), true),
    unreadable: async () => true,
    advanced: () => true,
    caughtUp: () => false,
    ended() {},
    appeared() {},
    gap: async (_, gap) => void seen.push(gap),
  };
  await opened.driver.reader("orders").read([range!], sink, signal);
  expect(seen).toEqual([{ resumesAt: at("4"), missing: 4 }, "4", "5"]);
  const refused = { ...sink, gap: () => Promise.reject(new Error("refused")) };
  await expect(opened.driver.reader("orders").read([range!], refused, signal)).rejects.toThrow("refused");
});

test("when one partition fails, the reading of the others ends with it", async () => {
  const opened = await timed([1, 2, 3]);
  const reader = opened.driver.reader("orders");
  const range = await reader.resolve({ from: earliest, until: null, partitions: null }, signal);
  opened.broker.topic("orders").retain({ retentionBytes: 2 });
  let delivered = 0;
  const sink: ReaderSink = {
    deliver: async (_, records) => ((delivered += records.length), true),
    unreadable: async () => true,
    advanced: () => true,
    caughtUp: () => true,
    ended() {},
    appeared() {},
    gap: () => Promise.reject(new Error("refused")),
  };
  await expect(reader.read(range.partitions, sink, signal)).rejects.toThrow("refused");
  opened.broker.topic("orders").retain({ retentionBytes: 1_000_000 });
  await publish(opened.driver, "orders", series(40));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(delivered).toBe(0);
});

test("without gapDetected nothing is reported: reading starts at the oldest record that is left", async () => {
  const opened = await timed([1, 2, 3, 4], "create=orders&without=gapDetected");
  opened.broker.topic("orders").retain({ retentionBytes: 4 });
  const range = await resolveOne(opened, { from: { kind: "places", places: new Map([["0", at("0")]]) } });
  expect(range.gap).toBeNull();
  expect((await readAll(opened.driver, "orders", { partitions: ["0"] })).get("0")!.map(({ position }) => position)).toEqual(["2", "3"]);
});

test("shards name their parents; a closed one ends by naming its children; nothing is lost over splits and merges", async () => {
  const opened = open("create=orders");
  const topic = opened.broker.topic("orders");
  for (const [round, partitions] of [6, 2, 5].entries()) {
    await publish(opened.driver, "orders", series(40, 8, round * 40));
    topic.resize(partitions);
  }
  const reader = opened.driver.reader("orders");
  const range = await reader.resolve({ from: earliest, until: null, partitions: null }, signal);
  const done: string[] = [];
  const values: string[] = [];
  const open_ = new Set(topic.open.map(({ id }) => id));
  let reading: readonly RangePartition[] = range.partitions;
  while (reading.length > 0) {
    const ready = reading.filter(({ parents }) => parents.every((parent) => done.includes(parent)));
    await reader.read(
      ready,
      {
        deliver: async (_, records) => (values.push(...records.map(({ value }) => text(value)!)), true),
        unreadable: async () => true,
        advanced: () => true,
        caughtUp: () => false,
        ended(partition, children) {
          for (const child of children) expect(child.parents).toContain(partition);
          expect(children.length).toBeGreaterThan(0);
        },
        appeared() {},
        gap: async () => {},
      },
      signal,
    );
    done.push(...ready.map(({ partition }) => partition));
    reading = reading.filter((part) => !ready.includes(part));
  }
  expect(done.filter((partition) => open_.has(partition))).toHaveLength(5);
  expect(values.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, index) => index));
  for (let key = 0; key < 8; key += 1) {
    const ofKey = values.map(Number).filter((value) => value % 8 === key);
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
  }
});

test("in a list of places, unlisted ancestors count as read and other unlisted partitions start at their beginning", async () => {
  const opened = open();
  opened.broker.topic("orders").resize(5);
  const [child] = opened.broker.topic("orders").partitions.get("0")!.children;
  const range = await opened.driver.reader("orders").resolve(
    {
      from: {
        kind: "places",
        places: new Map<string, PartitionPlace>([
          [child!.id, at("0")],
          ["1", { kind: "ended" }],
        ]),
      },
      until: null,
      partitions: null,
    },
    signal,
  );
  expect(range.partitions.map(({ partition }) => partition)).toEqual(["2", "3", child!.id, String(Number(child!.id) + 1)]);
  expect(range.partitions.find(({ partition }) => partition === child!.id)!.parents).toEqual([]);
});

test("a reader without an end waits for more, without polling, and stops at an abort", async () => {
  const opened = open();
  const abort = new AbortController();
  const reader = opened.driver.reader("orders");
  const range = await reader.resolve({ from: earliest, until: null, partitions: null }, signal);
  const records: StoredRecord[] = [];
  let caughtUp = 0;
  const reading = reader.read(
    range.partitions,
    {
      deliver: async (_, delivered) => (records.push(...delivered), true),
      unreadable: async () => true,
      advanced: () => true,
      caughtUp: () => ((caughtUp += 1), true),
      ended() {},
      appeared() {},
      gap: async () => {},
    },
    abort.signal,
  );
  await eventually(() => expect(caughtUp).toBe(4));
  const fetches = opened.reports.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(opened.reports.length).toBe(fetches);
  await publish(opened.driver, "orders", series(20));
  await eventually(() => expect(records).toHaveLength(20));
  abort.abort();
  await reading;
  await publish(opened.driver, "orders", series(20));
  expect(records).toHaveLength(20);
});

test("partitions that are added in place are reported once, even those added between resolving and reading", async () => {
  const opened = open("create=orders&like=kafka");
  const topic = opened.broker.topic("orders");
  const abort = new AbortController();
  const reader = opened.driver.reader("orders");
  const { partitions } = await reader.resolve({ from: earliest, until: null, partitions: null }, signal);
  topic.resize(5);
  const reported: unknown[] = [];
  const sink: ReaderSink = {
    deliver: async () => true,
    unreadable: async () => true,
    advanced: () => true,
    caughtUp: () => true,
    ended() {},
    appeared: (added) => void reported.push(...added),
    gap: async () => {},
  };
  const reading = reader.read(partitions, sink, abort.signal);
  await eventually(() => expect(reported).toEqual([{ partition: "4", parents: [] }]));
  topic.resize(7);
  await eventually(() => expect(reported.slice(1)).toEqual(["5", "6"].map((partition) => ({ partition, parents: [] }))));
  abort.abort();
  await reading;
  topic.resize(8);
  expect(reported).toHaveLength(3);
});

test("shards that split are reported with their end, not as added", async () => {
  const opened = open();
  const abort = new AbortController();
  const reader = opened.driver.reader("orders");
  const { partitions } = await reader.resolve({ from: earliest, until: null, partitions: null }, signal);
  let ended = 0;
  const sink: ReaderSink = {
    deliver: async () => true,
    unreadable: async () => true,
    advanced: () => true,
    caughtUp: () => true,
    ended: () => void (ended += 1),
    appeared: () => expect.unreachable(),
    gap: async () => {},
  };
  const reading = reader.read(partitions, sink, abort.signal);
  opened.broker.topic("orders").resize(6);
  await eventually(() => expect(ended).toBe(2));
  abort.abort();
  await reading;
});

test("a deleted topic ends a waiting reader with not-found", async () => {
  const opened = open();
  const reader = opened.driver.reader("orders");
  const range = await reader.resolve({ from: earliest, until: null, partitions: null }, signal);
  const reading = reader.read(
    range.partitions,
    {
      deliver: async () => true,
      unreadable: async () => true,
      advanced: () => true,
      caughtUp: () => true,
      ended() {},
      appeared() {},
      gap: async () => {},
    },
    signal,
  );
  const outcome = expectCode(reading, "not-found");
  await opened.driver.admin.deleteTopic("orders", signal);
  await outcome;
});

test("different brokers and re-created topics have different identities", async () => {
  const { driver } = open();
  const first = await driver.identity("orders", signal);
  await driver.admin.deleteTopic("orders", signal);
  await driver.admin.createTopic("orders", {}, signal);
  const second = await driver.identity("orders", signal);
  expect(second).toMatchObject({ cluster: first.cluster, topic: "orders" });
  expect(second.incarnation).not.toBe(first.incarnation);
  expect((await open().driver.identity("orders", signal)).cluster).not.toBe(first.cluster);
  expect((await open("create=orders&without=recreationDetected").driver.identity("orders", signal)).incarnation).toBe("");
});
