import { setTimeout as later } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Fault } from "../../../../src/driver/index.ts";
import { type Opened, TestMember, eventually, expectCode, open, publish, series, signal, text } from "./harness.ts";

const GROUP = { group: "billing", nativeGroup: undefined };
const FORMS = ["kinesis", "event-hubs", "oci-streaming"] as const;
const PARTITIONS = ["0", "1", "2", "3"];

async function join({ driver }: Opened, settles = true): Promise<TestMember> {
  const member = new TestMember(driver, "orders");
  member.settles = settles;
  await member.start();
  return member;
}

async function shared(members: readonly TestMember[]): Promise<void> {
  await eventually(() => expect(members.map(({ current }) => current.size)).toEqual(members.map(() => PARTITIONS.length / members.length)));
}

function firstIn({ records }: TestMember, partition: string): string {
  return records.find(({ assignment }) => assignment.partition === partition)!.record.position;
}

function losses({ events }: TestMember): number {
  return events.filter(({ kind }) => kind === "lost").length;
}

async function lagOf({ driver }: Opened, initialPosition: "none" | "earliest" = "none"): Promise<number | null> {
  const start = initialPosition === "none" ? null : ({ kind: "earliest" } as const);
  return (await driver.admin.lag("orders", GROUP, { partitions: null, initialPosition: start }, signal)).messages;
}

describe("groups of a form whose service has none run by leases, which are kept with the broker", () => {
  test.each(FORMS)(
    "like %s, members on two connections of one name share the partitions, and take over what the other one leaves",
    async (like) => {
      const one = open(`create=orders&like=${like}`);
      const other = open(`like=${like}`, one.name);
      const first = await join(one);
      const second = await join(other);
      await shared([first, second]);
      await publish(one.driver, "orders", series(40));
      await eventually(() =>
        expect(new Set([...first.values, ...second.values])).toEqual(new Set(series(40).map(({ value }) => text(value)))),
      );
      expect(first.values.length + second.values.length).toBe(40);
      expect(await one.driver.admin.describeGroup("orders", GROUP, signal)).toMatchObject({ members: 2, nativeName: "billing" });
      await first.consumer.close();
      await shared([second]);
      await second.consumer.close();
      expect(await one.driver.admin.describeGroup("orders", GROUP, signal)).toMatchObject({ members: 0 });
    },
  );

  test("connections without a name have groups of their own, and a group that is not there is not found", async () => {
    const { driver } = open("create=orders&like=kinesis");
    expect(await driver.admin.listGroups("orders", signal)).toEqual([]);
    await expectCode(driver.admin.describeGroup("orders", GROUP, signal), "not-found", /billing/);
    await expectCode(driver.admin.deleteGroup("orders", GROUP, signal), "not-found", /billing/);
    await driver.admin.resetGroup("orders", GROUP, { kind: "earliest" }, signal);
    expect(await driver.admin.listGroups("orders", signal)).toEqual([{ group: "billing", nativeGroup: "billing" }]);
    await driver.admin.deleteGroup("orders", GROUP, signal);
    expect(await driver.admin.listGroups("orders", signal)).toEqual([]);
  });

  test("a group cannot be moved or deleted beside a member", async () => {
    const opened = open("create=orders&like=kinesis");
    const member = await join(opened);
    await expectCode(opened.driver.admin.resetGroup("orders", GROUP, { kind: "latest" }, signal), "conflict");
    await expectCode(opened.driver.admin.deleteGroup("orders", GROUP, signal), "conflict");
    await member.consumer.close();
    await opened.driver.admin.resetGroup("orders", GROUP, { kind: "latest" }, signal);
    expect(losses(member)).toBe(0);
  });

  test("without what leases always have, groups are on the broker", async () => {
    const opened = open("create=orders&like=kinesis&without=groupMembers");
    const member = await join(opened);
    await opened.driver.admin.resetGroup("orders", GROUP, { kind: "latest" }, signal);
    expect(opened.broker.topic("orders").groups.size).toBe(1);
    await member.consumer.close();
  });

  test("a session that is too short for leases is refused", async () => {
    const { driver } = open("create=orders&like=kinesis");
    const member = new TestMember(driver, "orders", { sessionTimeoutMs: 2_999 });
    await expectCode(member.start(), "invalid-argument", /at least 3000; received 2999/);
    await member.consumer.close();
  });

  test("a group of a topic that was created anew is refused until it is reset, or deleted", async () => {
    const opened = open("create=orders&like=kinesis");
    await publish(opened.driver, "orders", series(8));
    const member = await join(opened);
    await eventually(() => expect(member.records).toHaveLength(8));
    await member.consumer.close();
    await opened.driver.admin.deleteTopic("orders", signal);
    await opened.driver.admin.createTopic("orders", {}, signal);
    expect(await opened.driver.admin.listGroups("orders", signal)).toEqual([{ group: "billing", nativeGroup: "billing" }]);
    await publish(opened.driver, "orders", series(4));
    const refused = new TestMember(opened.driver, "orders", { sessionTimeoutMs: 3_000 });
    await expectCode(refused.start(), "position-mismatch", /resetGroup/);
    await refused.consumer.close();
    await expectCode(opened.driver.admin.describeGroup("orders", GROUP, signal), "position-mismatch", /deleted/);
    await opened.driver.admin.resetGroup("orders", GROUP, { kind: "earliest" }, signal);
    const next = await join(opened);
    await eventually(() => expect(next.records).toHaveLength(4));
    await next.consumer.close();
    await opened.driver.admin.deleteTopic("orders", signal);
    await opened.driver.admin.createTopic("orders", {}, signal);
    await opened.driver.admin.deleteGroup("orders", GROUP, signal);
    await publish(opened.driver, "orders", series(2));
    const last = await join(opened);
    await eventually(() => expect(last.records).toHaveLength(2));
    await last.consumer.close();
  });

  test("a member whose topic is deleted ends", async () => {
    const opened = open("create=orders&like=kinesis");
    const member = await join(opened);
    await opened.driver.admin.deleteTopic("orders", signal);
    await eventually(() => expect(member.failures[0]).toMatchObject({ code: "not-found" }));
    await member.consumer.close();
  });
});

test("lag is counted from the places in the rows, less what is handled ahead", async () => {
  const opened = open("create=orders&like=event-hubs&without=topicAdmin");
  await publish(opened.driver, "orders", series(40));
  await expectCode(lagOf(opened), "not-found", /billing/);
  expect(await lagOf(opened, "earliest")).toBe(40);
  const member = await join(opened, false);
  await eventually(() => expect(member.records).toHaveLength(40));
  expect(await lagOf(opened)).toBe(40);
  const { assignment } = member.records[0]!;
  const own = member.records.filter((delivered) => delivered.assignment === assignment).map(({ record }) => record.position);
  const ahead = { upTo: own[4]!, except: [own[1]!, own[3]!] };
  await member.consumer.settle([{ assignment, through: own[0]!, records: [], ended: false, ahead }], signal);
  expect(await lagOf(opened)).toBe(37);
  await member.consumer.close();
});

test("what does not fit a row is left out from the end", async () => {
  const opened = open("create=orders&like=event-hubs");
  await publish(opened.driver, "orders", series(400));
  const member = await join(opened, false);
  await eventually(() => expect(member.records).toHaveLength(400));
  const { assignment } = member.records[0]!;
  const own = member.records.filter((delivered) => delivered.assignment === assignment).map(({ record }) => record.position);
  const except = own.filter((_, index) => index % 2 === 1 && index < 40);
  await member.consumer.settle([{ assignment, through: own[0]!, records: [], ended: false, ahead: { upTo: own[41]!, except } }], signal);
  await member.consumer.close();
  const next = await join(opened, false);
  await eventually(() => expect(next.current.size).toBe(4));
  const kept = next.current.get(assignment.partition)!.ahead!;
  expect(kept.except.length).toBeGreaterThan(3);
  expect(kept.except.length).toBeLessThan(16);
  expect(kept).toEqual({ upTo: kept.except.at(-1), except: except.slice(0, kept.except.length) });
  await next.consumer.close();
});

describe("faults act on the leases", () => {
  const inject = ({ faults }: Opened, fault: Fault): void => faults.inject({ topic: "orders", ...fault });

  test("steal-partition: another owner and the next epoch are written, and a settlement of the former owner is refused", async () => {
    const opened = open("create=orders&like=kinesis");
    await publish(opened.driver, "orders", series(40, 40));
    const member = await join(opened, false);
    await eventually(() => expect(member.records).toHaveLength(40));
    const mine = member.current.get("1")!;
    inject(opened, { kind: "steal-partition", partition: "1" });
    const [error] = await member.consumer.settle(
      [{ assignment: mine, through: firstIn(member, mine.partition), records: [], ended: false, ahead: null }],
      signal,
    );
    expect(error).toMatchObject({ code: "ownership-lost", retryable: false });
    await eventually(() => expect(member.current.get("1")).toBeDefined());
    expect(losses(member)).toBe(1);
    const again = member.current.get("1")!;
    expect(BigInt(again.epoch!)).toBeGreaterThan(BigInt(mine.epoch!) + 1n);
    expect(again).toMatchObject({ start: mine.start, resumes: null });
    await member.consumer.close();
  });

  test("lose-coordinator: every row loses its owner, and the same member resumes what nobody else has owned", async () => {
    const opened = open("create=orders&like=kinesis");
    const member = await join(opened);
    const before = new Map(member.current);
    inject(opened, { kind: "lose-coordinator" });
    await eventually(() => expect(losses(member)).toBe(4));
    await eventually(() => expect(member.current.size).toBe(4));
    for (const [partition, { resumes }] of member.current) expect(resumes).toBe(before.get(partition));
    await member.consumer.close();
  });

  test("both wait for a commit where they name it, and renewals and looks do not use them up", async () => {
    const opened = open("create=orders&like=kinesis");
    const member = await join(opened, false);
    inject(opened, { kind: "steal-partition", operation: "commit" });
    inject(opened, { kind: "disconnect", operation: "commit" });
    // Several renewals, and many looks at the group.
    await later(600);
    expect(losses(member)).toBe(0);
    expect(opened.faults.isEmpty).toBe(false);
    const mine = member.current.get("0")!;
    await publish(opened.driver, "orders", series(40, 40));
    await eventually(() => expect(member.records).toHaveLength(40));
    const [error] = await member.consumer.settle(
      [{ assignment: mine, through: firstIn(member, mine.partition), records: [], ended: false, ahead: null }],
      signal,
    );
    expect(error).toMatchObject({ code: "ownership-lost" });
    expect(opened.faults.isEmpty).toBe(true);
    await member.consumer.close();
  });

  test("a commit whose connection breaks is written after all", async () => {
    const opened = open("create=orders&like=kinesis");
    await publish(opened.driver, "orders", series(40, 40));
    const member = await join(opened, false);
    await eventually(() => expect(member.records).toHaveLength(40));
    inject(opened, { kind: "disconnect", operation: "commit", times: 2 });
    const [error] = await member.consumer.settle(
      [{ assignment: member.current.get("0")!, through: firstIn(member, "0"), records: [], ended: false, ahead: null }],
      signal,
    );
    expect(error).toBe(null);
    expect(losses(member)).toBe(0);
    await member.consumer.close();
  });

  test("restart: members cannot reach their leases, say so, and still own them when the service is back", async () => {
    const opened = open("create=orders&like=kinesis");
    const member = await join(opened);
    inject(opened, { kind: "restart" });
    await eventually(() => expect(member.states).toEqual(["joined", "rejoining"]));
    await eventually(() => expect(member.states).toEqual(["joined", "rejoining", "joined"]));
    expect(losses(member)).toBe(0);
    await publish(opened.driver, "orders", series(8));
    await eventually(() => expect(member.records).toHaveLength(8));
    await member.consumer.close();
  });

  test("refuse-authorization: a member ends", async () => {
    const opened = open("create=orders&like=kinesis");
    const member = await join(opened);
    inject(opened, { kind: "refuse-authorization", operation: "fetch" });
    await publish(opened.driver, "orders", series(8));
    await eventually(() => expect(member.failures[0]).toMatchObject({ code: "permission-denied" }));
    await member.consumer.close();
  });
});

describe("shards", () => {
  test("children wait for all their parents, also behind a shard that never held anything", async () => {
    const opened = open("create=orders&like=kinesis");
    const { admin } = opened.driver;
    await publish(opened.driver, "orders", series(40));
    const member = await join(opened, false);
    await eventually(() => expect(member.records).toHaveLength(40));
    await admin.updateTopic("orders", { partitions: 8 }, signal);
    // The children of the split are merged before they held anything.
    await admin.updateTopic("orders", { partitions: 4 }, signal);
    await publish(opened.driver, "orders", series(40, 7, 40));
    await later(600);
    expect(member.partitions).toEqual(PARTITIONS);
    member.settles = true;
    for (const partition of PARTITIONS) {
      const assignment = member.current.get(partition)!;
      const own = member.records.filter((delivered) => delivered.assignment === assignment).map(({ record }) => record);
      await member.settle(assignment, own, true);
      member.current.delete(partition);
    }
    await eventually(() => expect(member.records).toHaveLength(80));
    for (const delivered of Map.groupBy(member.records, ({ record }) => text(record.key)).values()) {
      const values = delivered.map(({ record }) => Number(text(record.value)));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
    await member.consumer.close();
  });

  test("a closed one is listed for the group until retention has passed, also where it is empty", async () => {
    const { driver, broker } = open("create=orders&like=kinesis");
    await driver.admin.updateTopic("orders", { partitions: 5 }, signal);
    const topic = broker.topic("orders");
    const kept = (): readonly string[] => topic.kept.map(({ id }) => id);
    expect(kept()).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(topic.listed.map(({ id }) => id)).toHaveLength(5);
    topic.expire();
    expect(kept()).toEqual(topic.open.map(({ id }) => id).toSorted());
  });
});

test("an idle member costs little", async () => {
  const { driver, reports } = open("create=orders&like=kinesis");
  const member = new TestMember(driver, "orders", { sessionTimeoutMs: 30_000 });
  await member.start();
  await eventually(() => expect(member.current.size).toBe(4));
  await later(300);
  const begun = process.cpuUsage();
  reports.length = 0;
  const MS = 2_000;
  await later(MS);
  const { user, system } = process.cpuUsage(begun);
  const calls = Map.groupBy(
    reports.filter((report) => report.kind === "call"),
    ({ operation }) => operation,
  );
  expect(calls.get("readGroup")!.length).toBeLessThanOrEqual(MS / 50 + 1);
  expect(calls.get("writeLease")!.length).toBeLessThanOrEqual((4 * MS) / 250 + 4);
  expect(calls.get("listLeases")?.length ?? 0).toBeLessThanOrEqual(2);
  // About 2 % of a core; more on a busy machine.
  expect((user + system) / 1_000 / MS).toBeLessThan(0.1);
  await member.consumer.close();
});
