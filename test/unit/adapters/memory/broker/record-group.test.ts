import { expect, test } from "vitest";
import { MAX_LEASED } from "../../../../../adapters/memory/broker/leases.ts";
import { TestMember, eventually, membersOf, open, outgoing, publish, series, signal, text } from "../harness.ts";

const PUBSUB = "create=orders&like=pubsub";
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const sortedValues = (...members: TestMember[]): number[] => members.flatMap(({ values }) => values.map(Number)).toSorted((a, b) => a - b);

test("every member owns the one partition and gets whole keys", async () => {
  const opened = open(PUBSUB);
  const members = [
    new TestMember(opened.driver, "orders"),
    new TestMember(opened.driver, "orders"),
    new TestMember(opened.driver, "orders"),
  ];
  for (const member of members) {
    member.settles = false;
    await member.start();
    expect([...member.current.values()]).toMatchObject([{ partition: "0", start: null, epoch: null }]);
  }
  await publish(opened.driver, "orders", series(300, 30));
  await eventually(() => expect(sortedValues(...members)).toEqual(upTo(300)));
  const keysOf = (member: TestMember): Set<string> => new Set(member.records.map(({ record }) => text(record.key)!));
  const [a, b, c] = members.map(keysOf);
  expect(a!.size + b!.size + c!.size).toBe(30);
  expect(Math.min(a!.size, b!.size, c!.size)).toBeGreaterThan(0);
  for (const member of members) await member.consumer.close();
});

test("a member gets the records of each key in order, and no order between keys", async () => {
  const opened = open(PUBSUB);
  const records = ["a1", "b1", "a2", "c1", "b2"].map((value) => outgoing(value[0]!, value));
  await publish(opened.driver, "orders", records);
  const member = new TestMember(opened.driver, "orders");
  await member.start();
  await eventually(() => expect(member.values).toEqual(["c1", "b1", "b2", "a1", "a2"]));
  await member.consumer.close();
});

test("the redelivery of a record brings back the later ones of its key, also those that are acknowledged", async () => {
  const opened = open(PUBSUB);
  await publish(opened.driver, "orders", series(20, 4));
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  await first.start();
  await eventually(() => expect(first.records).toHaveLength(20));
  const [assignment] = first.current.values();
  const recordsOf = (...values: number[]) =>
    first.records.map(({ record }) => record).filter(({ value }) => values.includes(Number(text(value))));
  // Of the key of 1, 5, 9, 13 and 17; and all of another key.
  await first.settle(assignment!, recordsOf(9, 17, 2, 6, 10, 14, 18));
  first.consumer.release!(assignment!, recordsOf(5));
  // The one that is outstanding joins itself.
  await eventually(() => expect(first.values.slice(20)).toEqual(["5", "9", "17"]));
  expect(first.records.slice(20).map(({ record }) => record.deliveryAttempt)).toEqual([2, 1, 1]);
  await first.settle(assignment!, recordsOf(1, 5, 9, 13, 17));
  await first.consumer.close();
  const second = new TestMember(opened.driver, "orders");
  await second.start();
  await eventually(() => expect(sortedValues(second)).toEqual([0, 3, 4, 7, 8, 11, 12, 15, 16, 19]));
  await second.consumer.close();
});

test("unacknowledged records are redelivered, counted, in order; acknowledged ones of other keys are not", async () => {
  const opened = open(PUBSUB);
  await publish(opened.driver, "orders", series(20, 4));
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  await first.start();
  await eventually(() => expect(first.records).toHaveLength(20));
  const [assignment] = first.current.values();
  expect(first.records.every(({ record }) => record.deliveryAttempt === 1)).toBe(true);
  const handled = first.records.filter(({ record }) => Number(text(record.value)) % 2 === 0).map(({ record }) => record);
  expect(await first.settle(assignment!, handled)).toBeNull();
  await first.consumer.close();
  const second = new TestMember(opened.driver, "orders");
  await second.start();
  await eventually(() => expect(second.records).toHaveLength(10));
  expect(second.records.every(({ record }) => record.deliveryAttempt === 2)).toBe(true);
  expect(sortedValues(second)).toEqual(upTo(20).filter((value) => value % 2 === 1));
  const byKey = Map.groupBy(second.records, ({ record }) => text(record.key));
  for (const ofKey of byKey.values()) {
    const positions = ofKey.map(({ record }) => Number(record.position));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  }
  await second.consumer.close();
  const third = new TestMember(opened.driver, "orders");
  await third.start();
  await publish(opened.driver, "orders", series(1, 1, 20));
  await eventually(() => expect(third.values).toEqual(["20"]));
  await third.consumer.close();
});

test("a released record is redelivered with the later ones of its key, and with no others", async () => {
  const opened = open(PUBSUB);
  await publish(opened.driver, "orders", series(12, 3));
  const member = new TestMember(opened.driver, "orders");
  member.settles = false;
  await member.start();
  await eventually(() => expect(member.records).toHaveLength(12));
  const [assignment] = member.current.values();
  const recordOf = (value: string) => member.records.find(({ record }) => text(record.value) === value)!.record;
  const released = recordOf("4");
  member.consumer.release!(assignment!, [recordOf("7")]);
  member.consumer.release!(assignment!, [released, recordOf("10")]);
  await eventually(() => expect(member.values.slice(12)).toEqual(["4", "7", "10"]));
  expect(member.records.at(-1)!.record.deliveryAttempt).toBe(2);
  await member.settle(
    assignment!,
    member.records.map(({ record }) => record),
  );
  member.consumer.release!(assignment!, [released]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(member.records).toHaveLength(15);
  await member.consumer.close();
});

test("a new member gets its share of the records that are not delivered, but no key that another member holds", async () => {
  const opened = open(PUBSUB);
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  first.deliver = (assignment, records) => {
    for (const record of records) first.records.push({ assignment, record });
    return new Promise(() => {});
  };
  await first.start();
  const held = Array.from({ length: 10 }, (_, index) => `held-${index}`);
  await publish(
    opened.driver,
    "orders",
    held.map((key, index) => outgoing(key, String(index))),
  );
  await eventually(() => expect(first.records).toHaveLength(10));
  await publish(opened.driver, "orders", [...series(60, 20, 10), ...held.map((key, index) => outgoing(key, String(70 + index)))]);
  const second = new TestMember(opened.driver, "orders");
  await second.start();
  await eventually(() => expect(second.records.length).toBeGreaterThan(10));
  expect(second.records.some(({ record }) => text(record.key)!.startsWith("held"))).toBe(false);
  await first.consumer.close();
  await eventually(() => expect(sortedValues(second)).toEqual(upTo(80)));
  await second.consumer.close();
});

test("records that wait for a busy member go to a new member", async () => {
  const opened = open(PUBSUB);
  // A call takes 1,000 messages.
  for (let from = 0; from < 3_000; from += 1_000) {
    const call = Array.from({ length: 1_000 }, (_, index) => outgoing(null, String(from + index)));
    await publish(opened.driver, "orders", call);
  }
  const busy = new TestMember(opened.driver, "orders");
  let handedOut = 0;
  busy.deliver = (_, records) => {
    handedOut += records.length;
    return new Promise(() => {});
  };
  await busy.start();
  await eventually(() => expect(handedOut).toBe(1_000));
  const newcomer = new TestMember(opened.driver, "orders");
  await newcomer.start();
  await eventually(() => expect(newcomer.records).toHaveLength(1_000));
  await busy.consumer.close();
  await eventually(() => expect(newcomer.records).toHaveLength(3_000));
  await newcomer.consumer.close();
});

test("a frozen member's records go to others after its session, and it starts anew", async () => {
  const opened = open(PUBSUB);
  const frozen = new TestMember(opened.driver, "orders");
  frozen.settles = false;
  await publish(opened.driver, "orders", series(10));
  await frozen.start();
  await eventually(() => expect(frozen.records).toHaveLength(10));
  const [assignment] = frozen.current.values();
  const [member] = membersOf(opened);
  member!.freeze();
  // As when its session, which is at least ten seconds here, is over.
  opened.broker.topic("orders").groups.get("billing")!.expire(member!);
  const other = new TestMember(opened.driver, "orders");
  await other.start();
  await eventually(() => expect(sortedValues(other)).toEqual(upTo(10)));
  member!.thaw();
  // Without fencing a late result counts.
  expect(await frozen.settle(assignment!, [frozen.records[0]!.record])).toBeNull();
  await eventually(() => expect(frozen.events.filter(({ kind }) => kind === "assigned")).toHaveLength(2));
  expect(frozen.events.filter(({ kind }) => kind === "lost")).toHaveLength(1);
  await frozen.consumer.close();
  await other.consumer.close();
});

test("records whose leases ran out go to another member, and the first one does not learn of it; both results count", async () => {
  const opened = open(PUBSUB);
  const first = new TestMember(opened.driver, "orders");
  first.settles = false;
  await publish(opened.driver, "orders", series(20, 4));
  await first.start();
  await eventually(() => expect(first.records).toHaveLength(20));
  const [assignment] = first.current.values();
  const group = opened.broker.topic("orders").groups.get("billing")!;
  // Alone, it gets them again itself: they join those that are outstanding.
  expect(group.steal(undefined)).toBe(true);
  await publish(opened.driver, "orders", series(1, 1, 20));
  await eventually(() => expect(sortedValues(first)).toEqual(upTo(21)));
  const second = new TestMember(opened.driver, "orders");
  second.settles = false;
  await second.start();
  expect(group.steal("0")).toBe(true);
  await eventually(() => expect(sortedValues(second)).toEqual(upTo(21)));
  expect(first.records).toHaveLength(21);
  expect(first.events.filter(({ kind }) => kind === "lost")).toEqual([]);
  expect(first.current.get("0")).toBe(assignment);
  const [theirs] = second.current.values();
  const recordsOf = (member: TestMember) => member.records.map(({ record }) => record);
  expect(await first.settle(assignment!, recordsOf(first).slice(0, 10))).toBeNull();
  expect(await second.settle(theirs!, recordsOf(second))).toBeNull();
  expect(await first.settle(assignment!, recordsOf(first))).toBeNull();
  expect(group.lag(Date.now())).toMatchObject([{ messages: 0 }]);
  await first.consumer.close();
  await second.consumer.close();
});

test("records that retention has dropped are skipped without a report", async () => {
  const opened = open(PUBSUB);
  const first = new TestMember(opened.driver, "orders");
  await first.start();
  await first.consumer.close();
  await publish(opened.driver, "orders", series(10, 1));
  opened.broker.topic("orders").retain({ retentionBytes: 18 });
  const second = new TestMember(opened.driver, "orders");
  await second.start();
  await eventually(() => expect(second.values).toEqual(["7", "8", "9"]));
  expect(second.gaps).toEqual([]);
  expect(opened.broker.topic("orders").groups.get("billing")!.lag(Date.now())).toMatchObject([{ messages: 0 }]);
  await second.consumer.close();
});

test("records beyond the bound of leases are leased when others are handled, though nothing new is stored", async () => {
  const opened = open(PUBSUB);
  const member = new TestMember(opened.driver, "orders");
  member.settles = false;
  await member.start();
  for (let batch = 0; batch < 3; batch += 1) await publish(opened.driver, "orders", series(1_000, 10, batch * 1_000));
  await eventually(() => expect(member.records).toHaveLength(MAX_LEASED));
  const [assignment] = member.current.values();
  expect(
    await member.settle(
      assignment!,
      member.records.map(({ record }) => record),
    ),
  ).toBeNull();
  await eventually(() => expect(member.records).toHaveLength(3_000));
  await member.consumer.close();
});

test("a record that is redelivered while it is outstanding is not delivered twice; its result counts for the new lease", async () => {
  const opened = open(PUBSUB);
  const member = new TestMember(opened.driver, "orders");
  member.settles = false;
  await publish(opened.driver, "orders", series(10));
  await member.start();
  await eventually(() => expect(member.records).toHaveLength(10));
  const [assignment] = member.current.values();
  const [first, ...others] = member.records.map(({ record }) => record);
  expect(await member.settle(assignment!, [first!])).toBeNull();
  // Members are not known to the administration, so the group is moved back beside one.
  const billing = { group: "billing", nativeGroup: undefined };
  await opened.driver.admin.resetGroup("orders", billing, { kind: "earliest" }, signal);
  await eventually(() => expect(member.records).toHaveLength(11));
  expect(member.records.at(-1)!.record.position).toBe(first!.position);
  expect(await member.settle(assignment!, [first!, ...others])).toBeNull();
  expect(opened.broker.topic("orders").groups.get("billing")!.lag(Date.now())).toMatchObject([{ messages: 0 }]);
  await member.consumer.close();
});

test("a group is deleted beside its members, which are not known; they fail", async () => {
  const opened = open(PUBSUB);
  const member = new TestMember(opened.driver, "orders");
  await member.start();
  const billing = { group: "billing", nativeGroup: undefined };
  expect((await opened.driver.admin.describeGroup("orders", billing, signal)).members).toBeNull();
  await opened.driver.admin.deleteGroup("orders", billing, signal);
  expect(member.failures).toMatchObject([{ code: "not-found" }]);
  await member.consumer.close();
});
