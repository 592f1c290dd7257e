import { afterEach, describe, expect, test, vi } from "vitest";
import type { StartPoint } from "../../../../src/driver/index.ts";
import { type Opened, TestMember, eventually, open, outgoing, publish, series, signal } from "./harness.ts";

const GROUP = { group: "billing", nativeGroup: undefined };
const EARLIEST = { kind: "earliest" } as const;
const LATEST = { kind: "latest" } as const;
const HOUR_MS = 3_600_000;
const FORMS = ["kinesis", "event-hubs", "oci-streaming"] as const;

const since = (timestampMs: number): StartPoint => ({ kind: "timestamp", timestampMs });
const plan = ({ driver }: Opened, to: StartPoint) => driver.admin.planReset("orders", GROUP, to, signal);
const reset = ({ driver }: Opened, to: StartPoint) => driver.admin.resetGroup("orders", GROUP, to, signal);

async function join({ driver }: Opened): Promise<TestMember> {
  const member = new TestMember(driver, "orders");
  await member.start();
  await eventually(() => expect(member.current.size).toBe(4));
  return member;
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each(FORMS)("like %s", (like) => {
  const opened = (): Opened => open(`create=orders&like=${like}`);

  test("the beginning stays the beginning, and a time stays a time", async () => {
    const it = opened();
    await publish(it.driver, "orders", series(40, 40));
    expect(new Set((await plan(it, EARLIEST)).values())).toEqual(new Set([EARLIEST]));
    const timestampMs = Date.now();
    expect([...(await plan(it, since(timestampMs))).values()]).toEqual(Array.from({ length: 4 }, () => since(timestampMs)));
  });

  test("a time that retention has passed is the beginning; what retention passes later is a gap that nobody can count", async () => {
    const it = opened();
    await publish(it.driver, "orders", series(40, 40));
    await reset(it, since(1));
    it.broker.topic("orders").expire();
    const late = await join(it);
    await eventually(() => expect(late.gaps).toHaveLength(4));
    expect(late.gaps.every(({ missing }) => missing === null)).toBe(true);
    await publish(it.driver, "orders", series(20, 7, 40));
    await eventually(() =>
      expect(late.values.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => 40 + index)),
    );
    await late.consumer.close();
    await reset(it, since(1));
    const next = await join(it);
    await eventually(() => expect(next.records).toHaveLength(20));
    expect(next.gaps).toEqual([]);
    await next.consumer.close();
  });

  test("a reader from a time that retention has passed has a gap, once", async () => {
    const it = opened();
    await publish(it.driver, "orders", series(40, 40));
    it.broker.topic("orders").expire();
    const range = await it.driver.reader("orders").resolve({ from: since(1), until: null, partitions: null }, signal);
    for (const { gap } of range.partitions) expect(gap).toMatchObject({ missing: null });
  });

  test("nothing that was stored before the end was asked for comes, and everything later does, also on logs that are empty or quiet", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const it = opened();
    const early = [outgoing("a", "early"), outgoing("b", "early")];
    await publish(it.driver, "orders", early);
    for (const passedMs of [0, HOUR_MS]) {
      vi.setSystemTime(Date.now() + passedMs);
      await reset(it, LATEST);
      const later = series(40, 40).map((record) => ({ ...record, value: new Uint8Array(Buffer.from("later")) }));
      await publish(it.driver, "orders", later);
      const member = await join(it);
      await eventually(() => expect(member.records).toHaveLength(40));
      expect(new Set(member.values)).toEqual(new Set(["later"]));
      await member.consumer.close();
    }
  });
});

test.each(["kinesis", "oci-streaming"] as const)(
  "like %s, the end is behind the newest message, or a time where nothing was stored for some time",
  async (like) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const it = open(`create=orders&like=${like}`);
    const [result] = await publish(it.driver, "orders", [outgoing("a", "1")]);
    if (result?.outcome !== "stored") throw new Error("not stored");
    const { partition, position } = result;
    const places = await plan(it, LATEST);
    expect(places.get(partition!)).toEqual({ kind: "after", position });
    const others = [...places].filter(([name]) => name !== partition).map(([, place]) => place);
    expect(others).toEqual(Array.from({ length: 3 }, () => since(Date.now() - 2_000)));
    vi.setSystemTime(Date.now() + HOUR_MS);
    expect([...(await plan(it, LATEST)).values()]).toEqual(Array.from({ length: 4 }, () => since(Date.now() - 2_000)));
  },
);

test("like event-hubs, which tells the end of each log, it is a position", async () => {
  const it = open("create=orders&like=event-hubs");
  await publish(it.driver, "orders", series(40, 40));
  for (const [partition, place] of await plan(it, LATEST)) {
    expect(place).toEqual({ kind: "at", position: String(it.broker.topic("orders").partitions.get(partition)!.log.endIndex) });
  }
});

test("like kinesis, what lies between two positions can be read from, and another shard's cannot", async () => {
  const it = open("create=orders&like=kinesis");
  const results = await publish(it.driver, "orders", series(40, 40));
  const stored = results.map((result) => (result.outcome === "stored" ? result : null)).filter((result) => result?.partition === "1");
  const [first, second, third] = stored.map((result) => result!.position!);
  const from = async (kind: "at" | "after", position: string) => {
    const { driver } = it;
    const reader = driver.reader("orders");
    const place = { kind, position } as const;
    const range = await reader.resolve({ from: { kind: "position", partition: "1", place }, until: null, partitions: null }, signal);
    const read = Promise.withResolvers<string>();
    const never = {
      unreadable: async () => true,
      advanced: () => true,
      caughtUp: () => true,
      ended: () => {},
      appeared: () => {},
      gap: async () => {},
    };
    const reading = reader.read(
      range.partitions,
      { ...never, deliver: async (_, [record]) => (read.resolve(record!.position), false) },
      signal,
    );
    const found = await read.promise;
    await reading;
    await reader.close();
    return found;
  };
  const hole = String(BigInt(second!) - 1_000_000n);
  expect([await from("at", second!), await from("after", second!)]).toEqual([second, third]);
  expect([await from("at", hole), await from("after", hole)]).toEqual([second, second]);
  expect(await from("at", first!)).toBe(first);
  await expect(from("at", String(BigInt(second!) + 1n))).rejects.toMatchObject({ code: "invalid-argument" });
});

test("like kinesis, a group cannot start in a shard that is gone with messages behind the place; behind all of them it can", async () => {
  const it = open("create=orders&like=kinesis");
  const results = await publish(it.driver, "orders", series(40, 40));
  const inFirst = results.flatMap((result) => (result.outcome === "stored" && result.partition === "0" ? [result.position!] : []));
  const after = (position: string): StartPoint => ({ kind: "places", places: new Map([["0", { kind: "after", position }]]) });
  await it.driver.admin.updateTopic("orders", { partitions: 8 }, signal);
  await reset(it, after(inFirst[0]!));
  it.broker.topic("orders").expire();
  const gone = { code: "position-out-of-range", message: expect.stringMatching(/partition "0" is gone/) as string };
  await expect(reset(it, after(inFirst[0]!))).rejects.toMatchObject(gone);
  await expect(new TestMember(it.driver, "orders", { group: "other", initialPosition: after(inFirst[0]!) }).start()).rejects.toMatchObject(
    gone,
  );
  await reset(it, after(inFirst.at(-1)!));
  await publish(it.driver, "orders", series(40, 40));
  const member = new TestMember(it.driver, "orders");
  await member.start();
  await eventually(() => expect(member.records).toHaveLength(40));
  await member.consumer.close();
});
