import { expect, test } from "vitest";
import { TestMember, eventually, membersOf, open, publish, series, signal, text } from "../harness.ts";

const numbers = (member: TestMember): number[] => member.values.map(Number);
const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function expectKeyOrder(member: TestMember): void {
  const byKey = Map.groupBy(member.records, ({ record }) => text(record.key)!);
  for (const records of byKey.values()) {
    const values = records.map(({ record }) => Number(text(record.value)));
    expect(values).toEqual(sorted(values));
  }
}

test.each(["create=orders", "create=orders&delayMs=1"])(
  "a member gets everything in order, and the group continues where it stopped (%s)",
  async (query) => {
    const opened = open(query);
    await publish(opened.driver, "orders", series(200));
    const first = new TestMember(opened.driver, "orders");
    await first.start();
    await eventually(() => expect(first.records).toHaveLength(200));
    await publish(opened.driver, "orders", series(50, 7, 200));
    await eventually(() => expect(first.settled).toBe(250));
    expectKeyOrder(first);
    await first.consumer.close();
    const second = new TestMember(opened.driver, "orders");
    await publish(opened.driver, "orders", series(10, 7, 250));
    await second.start();
    await eventually(() => expect(second.records).toHaveLength(10));
    expect(sorted(numbers(second))).toEqual(Array.from({ length: 10 }, (_, index) => 250 + index));
    await second.consumer.close();
  },
);

test("a second member gets half, only after the first has released it; the first keeps the rest without interruption", async () => {
  const opened = open();
  const first = new TestMember(opened.driver, "orders");
  const second = new TestMember(opened.driver, "orders");
  await first.start();
  const kept = new Map(first.current);
  let release = (): void => {};
  first.whileRevoking = () => new Promise((resolve) => (release = chain(release, resolve)));
  await second.start();
  expect(first.events.filter(({ kind }) => kind === "revoking")).toHaveLength(2);
  expect(second.partitions).toEqual([]);
  // The member still owns the partition, so handled records can be settled.
  const [moving] = first.events.filter(({ kind }) => kind === "revoking");
  expect(await first.settle(moving!.assignment, [])).toBeNull();
  release();
  await eventually(() => expect(second.partitions).toHaveLength(2));
  expect(first.partitions).toHaveLength(2);
  expect([...first.partitions, ...second.partitions].toSorted()).toEqual(["0", "1", "2", "3"]);
  for (const partition of first.partitions) expect(first.current.get(partition)).toBe(kept.get(partition));
  expect(await first.settle(moving!.assignment, [])).toMatchObject({ code: "ownership-lost" });
  for (const partition of second.partitions) {
    expect(Number(second.current.get(partition)!.epoch)).toBeGreaterThan(Number(kept.get(partition)!.epoch));
  }
  await second.consumer.close();
  await eventually(() => expect(first.partitions).toHaveLength(4));
  await first.consumer.close();
});

test("a partition is revoked once, and nothing more of it is delivered during the release", async () => {
  const opened = open();
  const members = [0, 1, 2].map(() => new TestMember(opened.driver, "orders"));
  const [first, second, third] = members as [TestMember, TestMember, TestMember];
  let release = (): void => {};
  first.whileRevoking = () => new Promise((resolve) => (release = chain(release, resolve)));
  await first.start();
  await second.start();
  await third.start();
  const revoking = first.events.filter(({ kind }) => kind === "revoking").map(({ partition }) => partition);
  expect(new Set(revoking).size).toBe(revoking.length);
  await publish(opened.driver, "orders", series(100, 50));
  await eventually(() => expect(first.records.length).toBeGreaterThan(0));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(first.records.filter(({ assignment }) => revoking.includes(assignment.partition))).toEqual([]);
  release();
  await eventually(() => expect(members.flatMap(({ records }) => records)).toHaveLength(100));
  expect(members.map(({ partitions }) => partitions.length).toSorted((a, b) => a - b)).toEqual([1, 1, 2]);
  for (const member of members) await member.consumer.close();
});

function chain(...actions: (() => void)[]): () => void {
  return () => actions.forEach((action) => action());
}

test("delivered and unsettled records are redelivered to the next owner", async () => {
  const opened = open();
  await publish(opened.driver, "orders", series(40));
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  await first.start();
  await eventually(() => expect(first.records).toHaveLength(40));
  const [assignment] = first.current.values();
  const ours = first.records.filter((entry) => entry.assignment === assignment).map(({ record }) => record);
  await first.settle(assignment!, ours.slice(0, 3));
  await first.consumer.close();
  const second = new TestMember(opened.driver, "orders");
  await second.start();
  await eventually(() => expect(second.records).toHaveLength(37));
  await second.consumer.close();
});

test("a member that takes too long to release loses the partition", async () => {
  const opened = open();
  const first = new TestMember(opened.driver, "orders", { sessionTimeoutMs: 20 });
  const second = new TestMember(opened.driver, "orders");
  first.whileRevoking = () => new Promise(() => {});
  await first.start();
  await second.start();
  await eventually(() => expect(second.partitions).toHaveLength(2));
  expect(first.events.filter(({ kind }) => kind === "lost")).toHaveLength(2);
  await first.consumer.close();
  await second.consumer.close();
});

test("a frozen member loses its partitions after its session, learns it when it thaws, and cannot settle", async () => {
  const opened = open();
  const frozen = new TestMember(opened.driver, "orders", { sessionTimeoutMs: 30 });
  const other = new TestMember(opened.driver, "orders");
  frozen.settles = false;
  await publish(opened.driver, "orders", series(40));
  await frozen.start();
  await eventually(() => expect(frozen.records).toHaveLength(40));
  const [member] = membersOf(opened);
  const held = new Map(frozen.current);
  member!.freeze();
  const eventsBefore = frozen.events.length;
  await other.start();
  expect(other.partitions).toEqual([]);
  const late = frozen.settle(held.get("0")!, [frozen.records[0]!.record]);
  await eventually(() => expect(other.partitions).toHaveLength(4));
  await eventually(() => expect(other.records).toHaveLength(40));
  expect(frozen.events).toHaveLength(eventsBefore);
  member!.thaw();
  expect(await late).toMatchObject({ code: "ownership-lost" });
  expect(frozen.events.filter(({ kind }) => kind === "lost")).toHaveLength(4);
  await eventually(() => expect(frozen.partitions).toHaveLength(2));
  expect([...frozen.current.values()].some((assignment) => [...held.values()].includes(assignment))).toBe(false);
  await frozen.consumer.close();
  await other.consumer.close();
});

test("a member that thaws in time has lost nothing", async () => {
  const opened = open();
  const member = new TestMember(opened.driver, "orders");
  await member.start();
  membersOf(opened)[0]!.freeze();
  await publish(opened.driver, "orders", series(30));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(member.records).toHaveLength(0);
  membersOf(opened)[0]!.thaw();
  await eventually(() => expect(member.records).toHaveLength(30));
  expect(member.events.filter(({ kind }) => kind === "lost")).toHaveLength(0);
  await member.consumer.close();
});

test("a crashed member gets no more events; its partitions go to others after its session", async () => {
  const opened = open();
  const crashed = new TestMember(opened.driver, "orders", { sessionTimeoutMs: 20 });
  const other = new TestMember(opened.driver, "orders");
  await crashed.start();
  await other.start();
  await eventually(() => expect(other.partitions).toHaveLength(2));
  membersOf(opened)[0]!.crash();
  await crashed.consumer.close();
  expect(membersOf(opened)).toHaveLength(2);
  const heard = crashed.events.length;
  await eventually(() => expect(other.partitions).toHaveLength(4));
  expect(crashed.events).toHaveLength(heard);
  await other.consumer.close();
});

test("the start is resolved once and stored before delivery; later partitions start at their beginning", async () => {
  const opened = open("create=orders&like=kafka");
  await publish(opened.driver, "orders", series(50));
  const first = new TestMember(opened.driver, "orders", { initialPosition: { kind: "latest" } });
  await first.start();
  await first.consumer.close();
  await publish(opened.driver, "orders", series(20, 7, 50));
  opened.broker.topic("orders").resize(8);
  await publish(opened.driver, "orders", series(80, 40, 70));
  const second = new TestMember(opened.driver, "orders", { initialPosition: { kind: "latest" } });
  await second.start();
  expect(second.partitions).toHaveLength(8);
  await eventually(() => expect(second.records).toHaveLength(100));
  await second.consumer.close();
});

test("initialPosition fail: the member fails with not-found if the group has no position", async () => {
  const opened = open();
  const member = new TestMember(opened.driver, "orders", { initialPosition: "fail" });
  await member.start();
  expect(member.failures).toMatchObject([{ code: "not-found" }]);
  await member.consumer.close();
  await opened.driver.admin.resetGroup("orders", { group: "billing", nativeGroup: undefined }, { kind: "earliest" }, signal);
  const again = new TestMember(opened.driver, "orders", { initialPosition: "fail" });
  await again.start();
  expect([again.failures, again.partitions]).toEqual([[], ["0", "1", "2", "3"]]);
  await again.consumer.close();
});

test("children of splits and merges start when all their parents are settled to the end", async () => {
  const opened = open();
  const topic = opened.broker.topic("orders");
  for (const [round, partitions] of [7, 3].entries()) {
    await publish(opened.driver, "orders", series(70, 14, round * 70));
    topic.resize(partitions);
  }
  await publish(opened.driver, "orders", series(70, 14, 140));
  const members = [new TestMember(opened.driver, "orders"), new TestMember(opened.driver, "orders")];
  for (const member of members) await member.start();
  const all = (): number[] => members.flatMap(numbers);
  await eventually(() => expect(new Set(all()).size).toBe(210));
  await eventually(() => expect(members.flatMap(({ partitions }) => partitions)).toHaveLength(3));
  expect(sorted(all())).toEqual(upTo(210));
  for (const member of members) await member.consumer.close();
  const third = new TestMember(opened.driver, "orders");
  await third.start();
  expect(third.partitions.toSorted()).toEqual(topic.open.map(({ id }) => id).toSorted());
  topic.resize(4);
  await publish(opened.driver, "orders", series(30, 14, 210));
  await eventually(() => expect(third.records).toHaveLength(30));
  await third.consumer.close();
});

test("an ended shard that is not settled holds its children back", async () => {
  const opened = open();
  await publish(opened.driver, "orders", series(40));
  const member = new TestMember(opened.driver, "orders");
  member.settles = false;
  await member.start();
  opened.broker.topic("orders").resize(5);
  await publish(opened.driver, "orders", series(40, 7, 40));
  await eventually(() => expect(member.events.filter(({ kind }) => kind === "ended")).toHaveLength(1));
  const [ended] = member.events.filter(({ kind }) => kind === "ended");
  expect(member.events.filter(({ kind }) => kind === "assigned")).toHaveLength(4);
  expect(await member.settle(ended!.assignment, [], true)).toBeNull();
  expect(member.events.filter(({ kind }) => kind === "assigned")).toHaveLength(6);
  await eventually(() => expect(member.records).toHaveLength(80));
  await member.consumer.close();
});

test("a position that retention has passed is a gap, accepted or not", async () => {
  const opened = open();
  await publish(
    opened.driver,
    "orders",
    series(20, 20).map((record) => ({ ...record, toPartition: "0" })),
  );
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  await first.start();
  await eventually(() => expect(first.records).toHaveLength(20));
  await first.consumer.close();
  opened.broker.topic("orders").retain({ retentionBytes: 20 });
  const refusing = new TestMember(opened.driver, "orders");
  refusing.acceptsGaps = false;
  await refusing.start();
  await eventually(() => expect(refusing.gaps).toEqual([{ resumesAt: { kind: "at", position: "18" }, missing: 18 }]));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([refusing.records, refusing.failures]).toEqual([[], []]);
  await refusing.consumer.close();
  const accepting = new TestMember(opened.driver, "orders");
  await accepting.start();
  await eventually(() => expect(accepting.values).toEqual(first.values.slice(-2)));
  await accepting.consumer.close();
});

test("nothing is delivered while the sink has no room, nor after close", async () => {
  const opened = open("create=orders");
  await publish(opened.driver, "orders", series(2_500, 1));
  const member = new TestMember(opened.driver, "orders");
  const deliver = member.deliver.bind(member);
  let waiting: (() => void) | undefined;
  member.deliver = async (assignment, records) => {
    await deliver(assignment, records);
    await new Promise<void>((resolve) => (waiting = resolve));
  };
  await member.start();
  await eventually(() => expect(waiting).toBeDefined());
  const before = member.records.length;
  expect(before).toBeLessThanOrEqual(1_000);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(member.records).toHaveLength(before);
  waiting!();
  await eventually(() => expect(member.records.length).toBeGreaterThan(before));
  await member.consumer.close();
  const atClose = member.records.length;
  waiting!();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(member.records).toHaveLength(atClose);
});

test("many members join and leave while messages flow: each key in order per owner, nothing lost", async () => {
  const opened = open("create=orders&delayMs=1");
  const members: TestMember[] = [];
  for (let round = 0; round < 6; round += 1) {
    const member = new TestMember(opened.driver, "orders");
    members.push(member);
    await member.start();
    await publish(opened.driver, "orders", series(60, 11, round * 60));
    if (round % 2 === 1) await members[round - 1]!.consumer.close();
    if (round === 3) opened.broker.topic("orders").resize(6);
  }
  await eventually(() => expect(new Set(members.flatMap(numbers)).size).toBe(360));
  for (const member of members) {
    for (const records of Map.groupBy(member.records, ({ assignment }) => assignment).values()) {
      const positions = records.map(({ record }) => Number(record.position));
      expect(positions).toEqual(sorted(positions));
    }
  }
  await Promise.all(members.map(({ consumer }) => consumer.close()));
});

test("a deleted topic fails its members", async () => {
  const opened = open();
  const member = new TestMember(opened.driver, "orders");
  await member.start();
  await opened.driver.admin.deleteTopic("orders", signal);
  await eventually(() => expect(member.failures[0]).toMatchObject({ code: "not-found" }));
  await member.consumer.close();
});

test("without knowledge of members a group is moved beside one, which goes on from the new place", async () => {
  const opened = open("create=orders&without=groupMembers");
  const member = new TestMember(opened.driver, "orders");
  await publish(opened.driver, "orders", series(20));
  await member.start();
  await eventually(() => expect(member.settled).toBe(20));
  const billing = { group: "billing", nativeGroup: undefined };
  expect((await opened.driver.admin.describeGroup("orders", billing, signal)).members).toBeNull();
  await opened.driver.admin.resetGroup("orders", billing, { kind: "earliest" }, signal);
  await eventually(() => expect(member.settled).toBe(40));
  expect(member.partitions).toHaveLength(4);
  await opened.driver.admin.deleteGroup("orders", billing, signal);
  expect(member.failures).toMatchObject([{ code: "not-found" }]);
  await member.consumer.close();
});

test("without fencing a late result of a former owner counts, and moves nothing back", async () => {
  const opened = open("create=orders&without=fencing");
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  await publish(opened.driver, "orders", series(40));
  await first.start();
  await eventually(() => expect(first.records).toHaveLength(40));
  const [held] = first.current.values();
  const ours = first.records.filter(({ assignment }) => assignment === held).map(({ record }) => record);
  opened.faults.inject({ kind: "steal-partition", partition: held!.partition });
  expect(await first.settle(held!, ours)).toBeNull();
  expect(await first.settle(held!, ours.slice(0, 1))).toBeNull();
  const next = String(Number(ours.at(-1)!.position) + 1);
  expect(opened.broker.topic("orders").groups.get("billing")!.places.get(held!.partition)).toEqual({ kind: "at", position: next });
  await first.consumer.close();
});
