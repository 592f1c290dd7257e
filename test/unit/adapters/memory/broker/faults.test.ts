import { expect, test } from "vitest";
import type { Fault, ProviderDriver, SliceResult } from "../../../../../src/driver/index.ts";
import { type Opened, TestMember, eventually, expectCode, open, outgoing, publish, readAll, series, signal } from "../harness.ts";

/** One call of these records, each key a slice of its own. */
async function write(driver: ProviderDriver, keys: readonly string[]): Promise<readonly SliceResult[]> {
  const producer = driver.producer("orders");
  await producer.prepare(signal);
  const slices = keys.map((key) => {
    const records = [0, 1, 2].map((index) => outgoing(key, `${key}${index}`));
    return { lane: producer.laneOf(records[0]!.key, undefined), records, bytes: 30 };
  });
  return producer.write({ slices, bytes: 30 * slices.length }, signal);
}

async function stored(opened: Opened): Promise<number> {
  return [...(await readAll(opened.driver, "orders")).values()].flat().length;
}

async function opened(query = "create=orders"): Promise<Opened> {
  const made = open(query);
  await made.driver.producer("orders").prepare(signal);
  return made;
}

test("throttle: the call is refused for load, nothing of it is stored, the next call succeeds", async () => {
  const made = await opened();
  made.faults.inject({ kind: "throttle" });
  expect(await write(made.driver, ["a", "b"])).toMatchObject([0, 1].map(() => ({ outcome: "retryable", error: { code: "throttled" } })));
  expect(await stored(made)).toBe(0);
  expect(made.reports).toContainEqual({ kind: "throttle", operation: "publish", topic: "orders", delayMs: null });
  await write(made.driver, ["a", "b"]);
  expect(await stored(made)).toBe(6);
});

test("a fault that names a partition spares the slices of others; after and times count the calls that it applies to", async () => {
  const made = await opened("create=orders&like=kafka");
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const laneOf = (key: string): string => producer.laneOf(outgoing(key, null).key, undefined)!;
  const hit = keys.find((key) => laneOf(key) !== laneOf("a"))!;
  made.faults.inject({ kind: "throttle", topic: "orders", partition: laneOf(hit), after: 1, times: 2 });
  made.faults.inject({ kind: "throttle", topic: "others" });
  expect(await write(made.driver, ["a"])).toMatchObject([{ outcome: "stored" }]);
  expect(await write(made.driver, ["a", hit])).toMatchObject([{ outcome: "stored" }, { outcome: "stored" }]);
  expect(await write(made.driver, ["a", hit])).toMatchObject([{ outcome: "stored" }, { outcome: "retryable" }]);
  expect(await write(made.driver, [hit])).toMatchObject([{ outcome: "retryable" }]);
  expect(await write(made.driver, [hit])).toMatchObject([{ outcome: "stored" }]);
});

test("fail-entry: one message is refused for good, its slice is not stored, and the others can be", async () => {
  const made = await opened();
  made.faults.inject({ kind: "fail-entry" });
  const [first, second] = await write(made.driver, ["a", "b"]);
  expect(first).toMatchObject({
    outcome: "each",
    results: [
      { outcome: "retryable" },
      { outcome: "refused", error: { code: "invalid-argument", retryable: false } },
      { outcome: "retryable" },
    ],
  });
  expect(second).toMatchObject({ outcome: "stored" });
  expect(await stored(made)).toBe(3);
});

test("fail-entry in an atomic call without a name: the message stays invalid until it is alone", async () => {
  const made = await opened("create=orders&like=event-hubs");
  made.faults.inject({ kind: "fail-entry" });
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  const records = ["0", "1", "2", "3"].map((value) => outgoing("a", value));
  const lane = producer.laneOf(records[0]!.key, undefined);
  const send = async (from: number, to: number) => {
    // Equal bytes in other objects: the core may encode again.
    const part = records.slice(from, to).map((record) => ({ ...record, value: record.value!.slice() }));
    return (await producer.write({ slices: [{ lane, records: part, bytes: 10 }], bytes: 10 }, signal))[0]!.outcome;
  };
  expect([await send(0, 4), await send(0, 2), await send(2, 4), await send(2, 3), await send(3, 4)]).toEqual([
    "refused",
    "stored",
    "refused",
    "refused",
    "stored",
  ]);
  expect(await stored(made)).toBe(3);
  expect(await send(2, 3)).toBe("stored");
});

test.each(["kinesis", "oci-streaming"])(
  "like %s, fail-entry refuses the whole call and blames nobody, until the message is alone",
  async (like) => {
    const made = await opened(`create=orders&like=${like}`);
    made.faults.inject({ kind: "fail-entry" });
    const blameless = { outcome: "retryable", error: { code: "invalid-argument" } };
    expect(await write(made.driver, ["a", "b"])).toMatchObject([blameless, blameless]);
    expect(await stored(made)).toBe(0);
    expect(await write(made.driver, ["b"])).toMatchObject([{ outcome: "stored" }]);
    expect(await write(made.driver, ["a"])).toMatchObject([{ outcome: "refused", error: { code: "invalid-argument" } }]);
    const producer = made.driver.producer("orders");
    await producer.prepare(signal);
    const alone = async (value: string): Promise<unknown> => {
      const record = outgoing("a", value);
      return producer.write({ slices: [{ lane: producer.laneOf(record.key, undefined), records: [record], bytes: 2 }], bytes: 2 }, signal);
    };
    expect([await alone("a0"), await alone("a1"), await alone("a2")]).toMatchObject([
      [{ outcome: "stored" }],
      [{ outcome: "refused" }],
      [{ outcome: "stored" }],
    ]);
    // The fault is over: the same message is valid again.
    expect(await write(made.driver, ["a", "b"])).toMatchObject([{ outcome: "stored" }, { outcome: "stored" }]);
  },
);

test("fail-before-write: retryable, nothing stored. fail-after-write: unknown, all stored", async () => {
  const made = await opened();
  made.faults.inject({ kind: "fail-before-write" });
  expect(await write(made.driver, ["a"])).toMatchObject([{ outcome: "retryable", error: { code: "unavailable" } }]);
  expect(await stored(made)).toBe(0);
  made.faults.inject({ kind: "fail-after-write" });
  expect(await write(made.driver, ["a"])).toMatchObject([{ outcome: "unknown", error: { code: "unavailable" } }]);
  expect(await stored(made)).toBe(3);
});

test("disconnect: breaks the next call of any kind before it is carried out; polling continues by itself", async () => {
  const made = await opened();
  const inject = (): void => made.faults.inject({ kind: "disconnect" });
  inject();
  expect(await write(made.driver, ["a"]).catch((error: unknown) => error)).toMatchObject({ code: "unavailable", retryable: true });
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  inject();
  const call = { slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 1 }], bytes: 1 };
  expect(await producer.write(call, signal)).toMatchObject([{ outcome: "unknown" }]);
  expect(await stored(made)).toBe(0);
  inject();
  await expectCode(made.driver.admin.listTopics(signal), "unavailable");
  inject();
  await expectCode(made.driver.check(signal), "unavailable");
  const member = new TestMember(made.driver, "orders");
  member.settles = false;
  inject();
  await member.start();
  inject();
  await publish(made.driver, "orders", series(5)).catch(() => publish(made.driver, "orders", series(5)));
  await eventually(() => expect(member.records).toHaveLength(5));
  inject();
  const [{ assignment, record }] = member.records as [(typeof member.records)[number]];
  expect(await member.settle(assignment, [record])).toMatchObject({ code: "unavailable", retryable: true });
  expect(await member.settle(assignment, [record])).toBeNull();
  expect(made.reports.some(({ kind }) => kind === "retry")).toBe(true);
  await member.consumer.close();
});

test("stall: a publish or fetch call takes longer by the given time, other partitions do not wait for it", async () => {
  const made = await opened();
  made.faults.inject({ kind: "stall", durationMs: 40 });
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  const begun = performance.now();
  await producer.write({ slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 1 }], bytes: 1 }, signal);
  expect(performance.now() - begun).toBeGreaterThan(35);
  await publish(made.driver, "orders", [outgoing("a", "slow", { toPartition: "0" }), outgoing("b", "quick", { toPartition: "1" })]);
  made.faults.inject({ kind: "stall", durationMs: 40, partition: "0" });
  const member = new TestMember(made.driver, "orders");
  await member.start();
  await eventually(() => expect(member.values).toContain("quick"));
  expect(member.values).not.toContain("slow");
  await eventually(() => expect(member.values).toContain("slow"));
  await member.consumer.close();
});

test("a topic that is deleted during a call stores nothing", async () => {
  const made = await opened();
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  made.faults.inject({ kind: "stall", durationMs: 10 });
  const writing = producer.write({ slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 1 }], bytes: 1 }, signal);
  await made.driver.admin.deleteTopic("orders", signal);
  expect(await writing).toMatchObject([{ outcome: "refused", error: { code: "not-found" } }]);
});

test("expire-cursor: reading continues exactly where it was", async () => {
  const made = await opened();
  await publish(
    made.driver,
    "orders",
    series(5_000, 3).map((record) => ({ ...record, toPartition: "0" })),
  );
  made.faults.inject({ kind: "expire-cursor", after: 2, times: 3 });
  const read = (await readAll(made.driver, "orders", { partitions: ["0"] })).get("0")!;
  expect(read.map(({ position }) => position)).toEqual(Array.from({ length: 5_000 }, (_, index) => String(index)));
  expect(made.reports.filter(({ kind }) => kind === "retry")).toHaveLength(3);
});

test("steal-partition: at once, without notice; the new owner has a higher epoch and the old one cannot settle", async () => {
  const made = await opened();
  await publish(
    made.driver,
    "orders",
    series(20, 5).map((record) => ({ ...record, toPartition: "2" })),
  );
  const [first, second] = [new TestMember(made.driver, "orders"), new TestMember(made.driver, "orders")];
  first.settles = false;
  await first.start();
  await second.start();
  await eventually(() => expect(second.partitions).toHaveLength(2));
  const [owner, thief] = first.partitions.includes("2") ? [first, second] : [second, first];
  const before = owner.current.get("2")!;
  made.faults.inject({ kind: "steal-partition", topic: "orders", partition: "2" });
  expect(thief.current.get("2")!.epoch).toBe(String(Number(before.epoch) + 1));
  expect(owner.current.get("2")).toBe(before);
  expect(await owner.settle(before, [])).toMatchObject({ code: "ownership-lost" });
  await eventually(() => expect(owner.events.at(-1)).toMatchObject({ kind: "lost", assignment: before }));
  expect(owner.events.filter(({ kind, partition }) => kind === "revoking" && partition === "2" && owner === second)).toEqual([]);
  await first.consumer.close();
  await second.consumer.close();
});

test("steal-partition waits for an owner, and counts fetches and commits with after", async () => {
  const made = await opened();
  made.faults.inject({ kind: "steal-partition" });
  const member = new TestMember(made.driver, "orders");
  await member.start();
  await eventually(() => expect(member.events.filter(({ kind }) => kind === "lost")).toHaveLength(1));
  await eventually(() => expect(member.partitions).toHaveLength(4));
  made.faults.inject({ kind: "steal-partition", partition: "1", after: 1 });
  const settle = () => member.settle(member.current.get("1")!, []);
  expect([await settle(), await settle()]).toMatchObject([null, { code: "ownership-lost" }]);
  await member.consumer.close();
});

test.each(["lose-coordinator", "restart"] as const)(
  "%s: every member loses its partitions and rejoins; nothing stored is lost",
  async (kind) => {
    const made = await opened();
    const members = [new TestMember(made.driver, "orders"), new TestMember(made.driver, "orders")];
    for (const member of members) await member.start();
    await publish(made.driver, "orders", series(30));
    await eventually(() => expect(members.flatMap(({ records }) => records)).toHaveLength(30));
    await eventually(() => expect(members.map(({ partitions }) => partitions.length)).toEqual([2, 2]));
    const before = members.flatMap(({ current }) => [...current.values()]);
    made.faults.inject({ kind });
    // In the same turn: on a busy machine the restart is over soon.
    const during = kind === "restart" ? [made.driver.check(signal), write(made.driver, ["a"])] : [];
    expect(members.flatMap(({ events }) => events.filter((event) => event.kind === "lost"))).toHaveLength(4);
    const refused = { status: "rejected", reason: { code: "unavailable" } };
    expect(await Promise.allSettled(during)).toMatchObject(during.map(() => refused));
    await eventually(() => expect(members.map(({ partitions }) => partitions.length)).toEqual([2, 2]));
    expect(members.flatMap(({ current }) => [...current.values()]).some((assignment) => before.includes(assignment))).toBe(false);
    await publish(made.driver, "orders", series(10, 7, 30));
    await eventually(() => expect(members.flatMap(({ records }) => records)).toHaveLength(40));
    expect(await stored(made)).toBe(40);
    for (const member of members) await member.consumer.close();
  },
);

test("a publish during a restart is retryable: it was certainly not stored", async () => {
  const made = await opened();
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  made.faults.inject({ kind: "restart" });
  const call = { slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 1 }], bytes: 1 };
  expect(await producer.write(call, signal)).toMatchObject([{ outcome: "retryable", error: { code: "unavailable" } }]);
});

test("refuse-authorization: any call, not retryable; a member that fetches fails", async () => {
  const made = await opened();
  const inject = (fault: Partial<Fault> = {}): void => made.faults.inject({ kind: "refuse-authorization", ...fault });
  inject();
  await expectCode(made.driver.admin.describeTopic("orders", signal), "permission-denied", /describeTopic/);
  inject();
  await expectCode(new TestMember(made.driver, "orders").start(), "permission-denied");
  const producer = made.driver.producer("orders");
  await producer.prepare(signal);
  inject();
  const call = { slices: [{ lane: null, records: [outgoing(null, "v")], bytes: 1 }], bytes: 1 };
  expect(await producer.write(call, signal)).toMatchObject([{ outcome: "refused", error: { code: "permission-denied" } }]);
  inject();
  await expectCode(
    made.driver.reader("orders").resolve({ from: { kind: "earliest" }, until: null, partitions: null }, signal),
    "permission-denied",
  );
  const member = new TestMember(made.driver, "orders");
  inject({ partition: "3" });
  await member.start();
  await eventually(() => expect(member.failures).toMatchObject([{ code: "permission-denied", retryable: false }]));
  await member.consumer.close();
});

test("a fault that does not exist is refused, with the names of those that do", async () => {
  const made = await opened();
  expect(() => made.faults.inject({ kind: "explode" as Fault["kind"] })).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining("throttle") as string }),
  );
});

test.each(["create=orders", "create=orders&like=pubsub"])(
  "a member that leaves while it joins, at any moment, is in no group afterwards (%s)",
  async (query) => {
    for (let moment = 0; moment < 12; moment += 1) {
      const made = await opened(query);
      // A fault of another topic applies to no call here, but makes every call check for faults.
      made.faults.inject({ kind: "throttle", topic: "another" });
      const leaving = new TestMember(made.driver, "orders");
      const joining = leaving.start().catch(() => undefined);
      for (let turn = 0; turn < moment; turn += 1) await Promise.resolve();
      await leaving.consumer.close();
      await joining;
      const { groups } = made.broker.topic("orders");
      expect([...groups.values()].map(({ members }) => members.size).filter((size) => size > 0)).toEqual([]);
    }
  },
);

test("a fault that takes partitions waits for the operation that it names", async () => {
  const made = await opened();
  const member = new TestMember(made.driver, "orders");
  member.settles = false;
  await publish(made.driver, "orders", series(40));
  await member.start();
  await eventually(() => expect(member.records).toHaveLength(40));
  const [held] = member.current.values();
  made.faults.inject({ kind: "steal-partition", operation: "commit", partition: held!.partition });
  await publish(made.driver, "orders", series(10, 7, 40));
  await eventually(() => expect(member.records.length).toBeGreaterThan(40));
  expect(member.events.filter(({ kind }) => kind === "lost")).toEqual([]);
  expect(await member.settle(held!, [member.records.find(({ assignment }) => assignment === held)!.record])).toMatchObject({
    code: "ownership-lost",
  });
  await eventually(() => expect(member.events.filter(({ kind }) => kind === "lost")).toHaveLength(1));
  await member.consumer.close();
});
