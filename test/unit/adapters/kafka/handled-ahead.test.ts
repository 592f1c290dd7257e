import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKafka, type EmulatedKafkaOptions, startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import type { Assignment, ProviderDriver } from "../../../../src/driver/index.ts";
import { connect, text } from "../../../../src/index.ts";
import { DriverMember, openDriver, upTo } from "./driver-member.ts";
import { commitAs, fetchCommit } from "./raw-commits.ts";

// What a group has handled after its committed offset is in the metadata of the commit. A record that was not handled must never be taken
// for one that was, whatever has happened to the log or to the group meanwhile.

const TOPIC = "orders";
const GROUP = "workers";
const NATIVE = "orders.workers";
const COORDINATOR_LOAD_IN_PROGRESS = 14;
const COORDINATOR_NOT_AVAILABLE = 15;

let kafka: EmulatedKafka;
let drivers: ProviderDriver[];
let calls: string[];
let members: DriverMember[];

async function start(options: EmulatedKafkaOptions = {}, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  kafka = await startEmulatedKafka(options);
  await kafka.createTopic(TOPIC, { partitions: 1 }, settings);
}

beforeEach(() => {
  drivers = [];
  calls = [];
  members = [];
});

afterEach(async () => {
  await Promise.all(members.map((member) => member.leave()));
  await Promise.all(drivers.map((driver) => driver.close()));
  await kafka.close();
});

/** A member with a driver of its own, as in another process. */
async function join(settings: Parameters<typeof DriverMember.join>[2] = {}): Promise<DriverMember> {
  const driver = await openDriver(kafka.url, (operation) => void calls.push(operation));
  drivers.push(driver);
  const member = await DriverMember.join(driver, TOPIC, settings);
  members.push(member);
  return member;
}

/** A second member. It has no partition yet, because there is only one. */
async function joinBeside(): Promise<DriverMember> {
  const driver = await openDriver(kafka.url, (operation) => void calls.push(operation));
  drivers.push(driver);
  const member = await DriverMember.join(driver, TOPIC, { isAssigned: false });
  members.push(member);
  return member;
}

/** One batch for each value. */
async function send(values: readonly string[], key: (index: number) => string = () => "k"): Promise<void> {
  await using connection = await connect(kafka.url);
  await using producer = connection.topic(TOPIC, { codec: text() }).producer();
  for (const [index, value] of values.entries()) await producer.send({ key: key(index), value });
}

const numbered = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, index) => `v${from + index}`);

describe("what is handled ahead", () => {
  test("is stored with the place, comes back with the assignment, and is replaced as a whole", async () => {
    await start();
    await send(numbered(20));
    const first = await join();
    expect(first.assignment.ahead).toBeNull();
    await first.read(19);
    expect(await first.settle(4, upTo(15, 5, 9))).toBeNull();
    await first.leave();
    const second = await join();
    expect(second.assignment).toMatchObject({ start: { kind: "at", position: "5" }, ahead: upTo(15, 5, 9), resumes: null });
    await second.read(19);
    expect(second.forgotten).toEqual([]);
    expect(await second.settle(null, upTo(17, 5))).toBeNull();
    await second.leave();
    const third = await join();
    expect(third.assignment).toMatchObject({ start: { kind: "at", position: "5" }, ahead: upTo(17, 5) });
    await third.read(19);
    expect(await third.settle(8, null)).toBeNull();
    expect(await third.settle(null, null)).toBeNull();
    await third.leave();
    expect((await join()).assignment).toMatchObject({ start: { kind: "at", position: "9" }, ahead: null });
  });

  test("is stored at the start of the group if nothing before it is handled", async () => {
    await start();
    await send(numbered(10));
    const first = await join();
    await first.read(9);
    expect(await first.settle(null, upTo(9, 0))).toBeNull();
    await first.leave();
    expect((await join()).assignment).toMatchObject({ start: { kind: "at", position: "0" }, ahead: upTo(9, 0) });
  });

  test.each([
    ["one", upTo(9, 0, 4, 9), upTo(8, 0, 4)],
    ["several", upTo(9, 0, 4, 7, 8, 9), upTo(6, 0, 4)],
    ["all of them", upTo(2, 0, 1, 2), null],
  ])("that ends at an exception (%s), as the contract allows, is stored up to the last handled record", async (_name, ahead, stored) => {
    await start();
    await send(numbered(10));
    const first = await join();
    await first.read(9);
    expect(await first.settle(null, ahead)).toBeNull();
    await first.leave();
    const second = await join();
    expect(second.assignment).toMatchObject({ start: { kind: "at", position: "0" }, ahead: stored });
  });

  test("is carried on by a member that has not read so far, with the epochs of the log", async () => {
    await start({ brokers: 2 });
    const large = "x".repeat(9_000);
    await send(numbered(6).map((value) => value + large));
    kafka.moveLeader(TOPIC, 0);
    await send(numbered(6, 6).map((value) => value + large));
    const first = await join();
    await first.read(11);
    expect(await first.settle(null, upTo(11, 0, 8))).toBeNull();
    await first.leave();
    // It reads the first records only: an answer holds no more of them.
    const second = await join({ hasRoom: false });
    expect(second.assignment.ahead).toEqual(upTo(11, 0, 8));
    await second.read(0);
    expect(await second.settle(0, upTo(11, 8))).toBeNull();
    await second.leave();
    const third = await join();
    expect(third.assignment.ahead).toEqual(upTo(11, 8));
    await third.read(11);
    expect(third.forgotten).toEqual([]);
  });

  test("is dropped by a reset to the same offset, by a foreign commit of it, and by a deleted group", async () => {
    await start();
    await send(numbered(10));
    const handle = async (): Promise<void> => {
      const member = await join();
      expect(member.assignment).toMatchObject({ start: { kind: "at", position: "0" }, ahead: null });
      await member.read(9);
      expect(await member.settle(null, upTo(9, 0, 1))).toBeNull();
      await member.leave();
    };
    await using connection = await connect(kafka.url, { require: ["groupReset", "groupAdmin"] });
    await handle();
    await connection.admin.resetGroup(TOPIC, GROUP, "earliest");
    await handle();
    await commitAs(kafka, NATIVE, TOPIC, 0n, "");
    await handle();
    await connection.admin.deleteGroup(TOPIC, GROUP);
    await handle();
  });

  test("is not used beside another offset, or on another cluster, as tools copy it", async () => {
    await start();
    await send(numbered(10));
    const first = await join();
    await first.read(9);
    expect(await first.settle(3, upTo(9, 4, 6))).toBeNull();
    await first.leave();
    const { metadata } = await fetchCommit(kafka, NATIVE, TOPIC);
    await commitAs(kafka, NATIVE, TOPIC, 3n, metadata);
    const second = await join();
    expect(second.assignment).toMatchObject({ start: { kind: "at", position: "3" }, ahead: null });
    await second.leave();
    await using other = await startEmulatedKafka({ topics: { [TOPIC]: { partitions: 1 } } });
    await using connection = await connect(other.url);
    await using producer = connection.topic(TOPIC, { codec: text() }).producer();
    await producer.sendBatch(numbered(10).map((value) => ({ key: "k", value })));
    await commitAs(other, NATIVE, TOPIC, 4n, metadata);
    const driver = await openDriver(other.url);
    const third = await DriverMember.join(driver, TOPIC);
    expect(third.assignment).toMatchObject({ start: { kind: "at", position: "4" }, ahead: null });
    await third.leave();
    await driver.close();
  });

  test.each([
    ["nothing", ""],
    ["any text", 'my own: {"a": 1} ü'],
    ["a later version", "streamport/2 xyz"],
    ["a damaged text of this version", "streamport/1 abcdef"],
    ["a text that only begins as an earlier version's", "streamport topic of mine"],
  ])("is not there if another client has committed %s, and its offset counts", async (_name, metadata) => {
    await start();
    await send(numbered(10));
    await commitAs(kafka, NATIVE, TOPIC, 7n, metadata);
    const member = await join();
    expect(member.assignment).toMatchObject({ start: { kind: "at", position: "7" }, ahead: null });
    await member.read(9);
    expect(member.delivered).toEqual([7, 8, 9]);
  });

  test("of an earlier topic of the same name does not count, nor does its offset", async () => {
    await start();
    await send(numbered(10));
    const first = await join();
    await first.read(9);
    expect(await first.settle(3, upTo(9, 4, 6))).toBeNull();
    await first.leave();
    const { metadata } = await fetchCommit(kafka, NATIVE, TOPIC);
    await using connection = await connect(kafka.url, { require: ["topicAdmin"] });
    await connection.admin.deleteTopic(TOPIC);
    await kafka.createTopic(TOPIC, { partitions: 1 });
    await send(numbered(10));
    // A late commit of a member that had not noticed.
    await commitAs(kafka, NATIVE, TOPIC, 4n, metadata);
    const second = await join();
    expect(second.assignment).toMatchObject({ start: { kind: "at", position: "0" }, ahead: null });
  });

  test("lowers the lag", async () => {
    await start();
    await send(numbered(20));
    const member = await join();
    await member.read(19);
    expect(await member.settle(4, upTo(15, 5, 9))).toBeNull();
    await using connection = await connect(kafka.url, { require: ["lagInMessages", "groupAdmin"] });
    expect(await connection.admin.lag(TOPIC, GROUP)).toMatchObject({ messages: 6, partitions: [{ messages: 6 }] });
    await member.leave();
    await commitAs(kafka, NATIVE, TOPIC, 5n, "");
    expect(await connection.admin.lag(TOPIC, GROUP)).toMatchObject({ messages: 15 });
  });
});

describe("if a server accepts less metadata", () => {
  test.each([
    [300, 500],
    [128, 100],
  ])("than the default (%i bytes), as much is stored as fits, and later commits keep to it", async (bytes, atLeast) => {
    await start({ properties: { "offset.metadata.max.bytes": String(bytes) } });
    await send(numbered(1));
    await using connection = await connect(kafka.url);
    await using producer = connection.topic(TOPIC, { codec: text() }).producer();
    await producer.sendBatch(numbered(3_999, 1).map((value) => ({ key: "k", value })));
    const member = await join({ maxBufferedBytes: 10_000_000 });
    await member.read(3_999);
    const except = Array.from({ length: 1_999 }, (_, index) => index * 2);
    expect(await member.settle(null, upTo(3_999, ...except))).toBeNull();
    const { metadata } = await fetchCommit(kafka, NATIVE, TOPIC);
    expect(metadata.length).toBeLessThanOrEqual(bytes);
    const before = calls.filter((call) => call === "OffsetCommit").length;
    expect(await member.settle(1, upTo(3_999, ...except.slice(1)))).toBeNull();
    expect(calls.filter((call) => call === "OffsetCommit")).toHaveLength(before + 1);
    await member.leave();
    const next = await join();
    expect(next.assignment.start).toEqual({ kind: "at", position: "2" });
    const { ahead } = next.assignment;
    expect(Number(ahead!.upTo)).toBeGreaterThan(atLeast);
    expect(Number(ahead!.upTo) % 2).toBe(1);
    expect(ahead!.except.map(Number)).toEqual(except.filter((position) => position >= 2 && position < Number(ahead!.upTo)));
  });

  test.each([56, 20, 0])("than any of it needs (%i bytes), the offset is committed nevertheless", async (bytes) => {
    await start({ properties: { "offset.metadata.max.bytes": String(bytes) } });
    await send(numbered(10));
    const member = await join();
    await member.read(9);
    expect(await member.settle(3, upTo(9, 4, 6))).toBeNull();
    expect(await member.settle(4, upTo(9, 6))).toBeNull();
    await member.leave();
    const { metadata } = await fetchCommit(kafka, NATIVE, TOPIC);
    expect(metadata.length).toBeLessThanOrEqual(bytes);
    const next = await join();
    expect(next.assignment).toMatchObject({ start: { kind: "at", position: "5" }, ahead: null });
    await next.read(9);
    expect(next.delivered).toEqual([5, 6, 7, 8, 9]);
  });
});

describe("if the log is cut by an election", () => {
  /** A log of two epochs, 0 to 5 and 6 to 11, of which a member has handled all but the first. */
  async function handleTwoEpochs(): Promise<void> {
    await start({ brokers: 3 });
    await send(numbered(6));
    kafka.moveLeader(TOPIC, 0);
    await send(numbered(6, 6));
    const member = await join();
    await member.read(11);
    expect(await member.settle(null, upTo(11, 0, 3))).toBeNull();
    await member.leave();
  }

  test.each([
    [8n, 8],
    [6n, 6],
    [3n, 3],
  ])("at %i and written anew, nothing from there on counts as handled", async (cut, from) => {
    await handleTwoEpochs();
    kafka.truncate(TOPIC, 0, cut);
    await send(Array.from({ length: 20 }, (_, index) => `n${index}`));
    const member = await join();
    expect(member.assignment.ahead).toEqual(upTo(11, 0, 3));
    await member.read(from + 19);
    expect(member.forgotten).toEqual([`forget ${from}`]);
    // The core is told before it gets the first of the other records.
    expect(member.told.indexOf(`forget ${from}`)).toBeLessThan(member.told.indexOf(`deliver ${from}`));
    expect(member.values.get(String(from))).toBe("n0");
    // What the member stores from now on is right again.
    expect(await member.settle(null, upTo(from + 5, 0, from + 1))).toBeNull();
    await member.leave();
    const next = await join();
    expect(next.assignment.ahead).toEqual(upTo(from + 5, 0, from + 1));
    await next.read(from + 19);
    expect(next.forgotten).toEqual([]);
  });

  test.each([
    [8n, 2, 22],
    [6n, 2, 22],
    [3n, 1, 21],
    [0n, 0, 20],
  ])("at %i, the lag counts as handled what is before it, also once the log is as long as it was", async (cut, short, grown) => {
    await handleTwoEpochs();
    await using connection = await connect(kafka.url, { require: ["lagInMessages"] });
    const consumer = connection.topic(TOPIC, { codec: text() }).consumer({ group: GROUP });
    const lags = async () => [(await connection.admin.lag(TOPIC, GROUP)).messages, (await consumer.lag()).messages];
    expect(await lags()).toEqual([2, 2]);
    kafka.moveLeader(TOPIC, 0);
    expect(await lags()).toEqual([2, 2]);
    kafka.truncate(TOPIC, 0, cut);
    expect(await lags()).toEqual([short, short]);
    await send(Array.from({ length: 20 }, (_, index) => `n${index}`));
    expect(await lags()).toEqual([grown, grown]);
    kafka.moveLeader(TOPIC, 0);
    await send(["last"]);
    expect(await lags()).toEqual([grown + 1, grown + 1]);
  });

  test("the lag needs one more request, and another one after an election, and none if nothing is handled ahead", async () => {
    await start({ brokers: 2 });
    await send(numbered(10));
    const member = await join();
    await member.read(9);
    const requests = async (): Promise<number> => {
      const before = calls.length;
      const { signal } = new AbortController();
      await drivers[0]!.admin.lag(TOPIC, { group: GROUP, nativeGroup: undefined }, { partitions: null, initialPosition: null }, signal);
      return calls.slice(before).filter((call) => call === "OffsetForLeaderEpoch").length;
    };
    expect(await member.settle(3, null)).toBeNull();
    expect(await requests()).toBe(0);
    expect(await member.settle(null, upTo(9, 4))).toBeNull();
    expect(await requests()).toBe(1);
    kafka.moveLeader(TOPIC, 0);
    expect(await requests()).toBe(2);
  });

  test("while a member runs that has not read so far, it does not skip the new records either", async () => {
    await start({ brokers: 3 });
    // An answer holds only a few of these.
    const large = "x".repeat(9_000);
    await send(numbered(40).map((value) => value + large));
    const first = await join();
    await first.read(39);
    expect(await first.settle(null, upTo(39, 0, 3))).toBeNull();
    await first.leave();
    const member = await join({ hasRoom: false });
    await member.read(0);
    kafka.truncate(TOPIC, 0, 30n);
    await send(numbered(20).map((value) => `new ${value}${large}`));
    expect(member.forgotten).toEqual([]);
    expect(Math.max(...member.delivered)).toBeLessThan(20);
    member.makeRoom();
    await member.read(49);
    expect(member.forgotten).toEqual(["forget 30"]);
    expect(member.told.indexOf("forget 30")).toBeLessThan(member.told.indexOf("deliver 30"));
    expect(member.values.get("30")).toMatch(/^new v0x/);
    expect(member.failure).toBeUndefined();
  });

  test("where the member has read and handled records that are gone, its last commit is not trusted for the new ones", async () => {
    await handleTwoEpochs();
    const member = await join();
    await member.read(11);
    kafka.truncate(TOPIC, 0, 8n);
    await send(Array.from({ length: 10 }, (_, index) => `n${index}`));
    await expect.poll(() => member.failure?.code).toBe("position-out-of-range");
    // As the core does before it closes: it stores what it had handled in the log that it knew.
    expect(await member.settle(0, upTo(11, 3))).toBeNull();
    await member.leave();
    const next = await join();
    expect(next.assignment.ahead).toEqual(upTo(11, 3));
    await next.read(17);
    expect(next.forgotten).toEqual(["forget 8"]);
    expect(next.told.indexOf("forget 8")).toBeLessThan(next.told.indexOf("deliver 8"));
  });

  test("an election that cuts nothing changes nothing", async () => {
    await handleTwoEpochs();
    kafka.moveLeader(TOPIC, 0);
    await send(numbered(5, 12));
    kafka.moveLeader(TOPIC, 0);
    const member = await join();
    await member.read(16);
    expect(member.assignment.ahead).toEqual(upTo(11, 0, 3));
    expect(member.forgotten).toEqual([]);
  });
});

describe("if records are missing in between", () => {
  test("because the topic was compacted, what was handled still counts", async () => {
    await start({ brokers: 2 }, { "cleanup.policy": "compact" });
    await send(numbered(8), (index) => `k${index % 3}`);
    kafka.moveLeader(TOPIC, 0);
    await send(numbered(8, 8), (index) => `k${3 + (index % 3)}`);
    const first = await join();
    await first.read(15);
    expect(await first.settle(null, upTo(14, 0, 5, 9))).toBeNull();
    await first.leave();
    await kafka.compact(TOPIC);
    const member = await join();
    expect(member.assignment.ahead).toEqual(upTo(14, 0, 5, 9));
    await member.read(15);
    expect(member.delivered).toEqual([5, 6, 7, 13, 14, 15]);
    expect(member.forgotten).toEqual([]);
    expect(await member.settle(6, upTo(14, 13))).toBeNull();
    await member.leave();
    expect((await join()).assignment.ahead).toEqual(upTo(14, 13));
  });

  test("because of transactions, what was handled still counts", async () => {
    await start({ brokers: 2 });
    const others = new Kafka({ clientId: "others", brokers: kafka.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    const producer = others.producer({ transactionalId: "t", idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transact = async (values: readonly string[], isCommitted: boolean): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic: TOPIC, messages: values.map((value) => ({ key: "k", value })) });
      await (isCommitted ? transaction.commit() : transaction.abort());
    };
    await send(numbered(2));
    await transact(["a", "b"], false);
    await transact(["c", "d"], true);
    kafka.moveLeader(TOPIC, 0);
    await transact(["e"], false);
    await transact(["f", "g"], true);
    await producer.disconnect();
    const first = await join();
    // 0 1 [2 3 abort 4] 5 6 [commit 7] | [8 abort 9] 10 11 [commit 12]
    await first.read(11);
    expect(first.delivered).toEqual([0, 1, 5, 6, 10, 11]);
    expect(await first.settle(null, upTo(11, 0, 6))).toBeNull();
    await first.leave();
    const member = await join();
    expect(member.assignment.ahead).toEqual(upTo(11, 0, 6));
    await member.read(11);
    expect(member.forgotten).toEqual([]);
  });

  test("because retention has deleted them, the rest still counts", async () => {
    await start();
    await send(numbered(12));
    const first = await join();
    await first.read(11);
    expect(await first.settle(null, upTo(10, 0, 8))).toBeNull();
    await first.leave();
    const admin = new Kafka({ clientId: "others", brokers: kafka.bootstrapServers.split(","), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.fetchTopicMetadata({ topics: [TOPIC] });
    await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: "6" }] });
    await admin.disconnect();
    const member = await join();
    await member.read(11);
    expect(member.delivered).toEqual([6, 7, 8, 9, 10, 11]);
    expect(member.forgotten).toEqual([]);
    expect(await member.settle(5, upTo(10, 8))).toBeNull();
    await member.leave();
    expect((await join()).assignment).toMatchObject({ start: { kind: "at", position: "6" }, ahead: upTo(10, 8) });
  });
});

describe("a member that gets its partition back after it has lost it", () => {
  /** Two records are handled and stored, the next ones are handled and not stored. */
  async function handleSome(): Promise<DriverMember> {
    await start();
    await send(numbered(20));
    const member = await join();
    await member.read(19);
    expect(await member.settle(1, upTo(9, 2))).toBeNull();
    return member;
  }

  /** The fault may apply to a request of another member first. */
  async function stealFrom(member: DriverMember): Promise<void> {
    for (const before = member.assignment; member.lostAssignments.at(-1) !== before;) {
      kafka.inject({ kind: "steal-partition" });
      await sleep(150);
    }
  }

  /** The member is lost to the group, as a frozen process is, until the work is done. */
  async function whileLost(member: DriverMember, work: () => Promise<void>): Promise<Assignment> {
    const before = member.assignment;
    kafka.answerWith({ api: "JoinGroup", errorCode: COORDINATOR_LOAD_IN_PROGRESS, times: 1_000 });
    kafka.inject({ kind: "steal-partition" });
    await expect.poll(() => member.lostAssignments.at(-1), { timeout: 10_000 }).toBe(before);
    await work();
    kafka.clearFaults();
    return member.reassigned(member.assignments.length);
  }

  test("resumes, if nobody has settled or moved the group", async () => {
    const member = await handleSome();
    const before = member.assignment;
    kafka.inject({ kind: "steal-partition" });
    const next = await member.reassigned(1);
    expect(member.lostAssignments).toEqual([before]);
    expect(next.resumes).toBe(before);
    expect(next).toMatchObject({ start: { kind: "at", position: "2" }, ahead: upTo(9, 2) });
    await member.read(19);
    expect(member.forgotten).toEqual([]);
    expect(await member.settle(2, upTo(15, 3))).toBeNull();
    kafka.inject({ kind: "lose-coordinator" });
    expect((await member.reassigned(2)).resumes).toBe(next);
    expect(next.resumes, "ownerships that are over do not keep each other").toBeNull();
  });

  test("resumes at the place where the group had just started", async () => {
    await start();
    await send(numbered(20));
    const member = await join();
    await member.read(19);
    const before = member.assignment;
    kafka.inject({ kind: "steal-partition" });
    expect((await member.reassigned(1)).resumes).toBe(before);
  });

  test("does not resume where another client had committed: it may have done so again", async () => {
    await start();
    await send(numbered(20));
    await commitAs(kafka, NATIVE, TOPIC, 3n, "");
    const member = await join();
    await member.read(19);
    kafka.inject({ kind: "steal-partition" });
    expect(await member.reassigned(1)).toMatchObject({ resumes: null, start: { kind: "at", position: "3" } });
    // Its own commits have a note.
    expect(await member.settle(5, null)).toBeNull();
    const before = member.assignment;
    kafka.inject({ kind: "steal-partition" });
    expect((await member.reassigned(2)).resumes).toBe(before);
  });

  test("does not resume over a reset, even to the same offset", async () => {
    await start();
    await send(numbered(20));
    const member = await join();
    await member.read(19);
    await using connection = await connect(kafka.url, { require: ["groupReset"] });
    const reset = (): Promise<void> => connection.admin.resetGroup(TOPIC, GROUP, "earliest");
    for (let time = 0; time < 2; time += 1) {
      expect(await whileLost(member, reset)).toMatchObject({ resumes: null, ahead: null, start: { kind: "at", position: "0" } });
      await member.read(19);
    }
    // What it does not resume once, it does not resume later.
    expect(await member.settle(null, upTo(5, 0))).toBeNull();
    const before = member.assignment;
    expect((await whileLost(member, async () => undefined)).resumes).toBe(before);
  });

  test("does not resume after another client's commit, even of the same offset and text with another epoch", async () => {
    const member = await handleSome();
    const { metadata, leaderEpoch } = await fetchCommit(kafka, NATIVE, TOPIC);
    expect(leaderEpoch).toBe(0);
    const next = await whileLost(member, () => commitAs(kafka, NATIVE, TOPIC, 2n, metadata));
    expect(next).toMatchObject({ resumes: null, start: { kind: "at", position: "2" } });
  });

  test("does not resume after another member has settled, but does if that one has only read", async () => {
    const member = await handleSome();
    const before = member.assignment;
    const other = await joinBeside();
    // The other member has no partition until this one is lost.
    await stealFrom(member);
    await expect.poll(() => other.assignments.length, { timeout: 10_000 }).toBe(1);
    expect(other.assignment).toMatchObject({ resumes: null, ahead: upTo(9, 2) });
    await other.read(19);
    await other.leave();
    expect((await member.reassigned(1)).resumes).toBe(before);
    const third = await joinBeside();
    await stealFrom(member);
    await expect.poll(() => third.assignments.length, { timeout: 10_000 }).toBe(1);
    // The group may be rebalancing, because the first member joins again.
    await expect.poll(() => third.settle(null, upTo(9, 2, 3)), { timeout: 10_000 }).toBeNull();
    await third.leave();
    expect(await member.reassigned(2)).toMatchObject({ resumes: null, ahead: upTo(9, 2, 3) });
  });

  test("resumes where its own last commit is stored although its answer was an error", async () => {
    const member = await handleSome();
    const before = member.assignment;
    kafka.answerWith({ api: "OffsetCommit", errorCode: COORDINATOR_NOT_AVAILABLE, isStored: true });
    expect(await member.settle(4, upTo(12, 8))).toMatchObject({ retryable: true });
    kafka.answerWith({ api: "OffsetCommit", errorCode: COORDINATOR_NOT_AVAILABLE });
    expect(await member.settle(5, upTo(12, 8))).toMatchObject({ retryable: true });
    kafka.inject({ kind: "steal-partition" });
    const next = await member.reassigned(1);
    expect(next.resumes).toBe(before);
    expect(next).toMatchObject({ start: { kind: "at", position: "5" }, ahead: upTo(12, 8) });
  });

  test("is told from where the log is another one than it has handled", async () => {
    const member = await handleSome();
    const before = member.assignment;
    const next = await whileLost(member, async () => {
      kafka.truncate(TOPIC, 0, 7n);
      await send(numbered(20).map((value) => `new ${value}`));
    });
    expect(next.resumes).toBe(before);
    await member.read(26);
    expect(member.forgotten).toEqual(["forget 7"]);
    expect(member.told.lastIndexOf("forget 7")).toBeLessThan(member.told.lastIndexOf("deliver 7"));
  });

  test("does not take what it has stored for handled where it has seen the log change since", async () => {
    await start();
    const large = "x".repeat(9_000);
    await send(numbered(40).map((value) => value + large));
    const first = await join();
    await first.read(39);
    expect(await first.settle(null, upTo(39, 0))).toBeNull();
    await first.leave();
    const member = await join({ hasRoom: false });
    await member.read(0);
    kafka.truncate(TOPIC, 0, 30n);
    await send(numbered(20).map((value) => `new ${value}${large}`));
    member.makeRoom();
    await member.read(49);
    expect(member.forgotten).toEqual(["forget 30"]);
    const before = member.assignment;
    kafka.inject({ kind: "steal-partition" });
    const next = await member.reassigned(1);
    expect(next.resumes).toBe(before);
    expect(next.ahead).toEqual(upTo(29, 0));
    await member.read(49);
    expect(member.told.slice(member.told.lastIndexOf("assigned")).filter((line) => line.startsWith("forget"))).toEqual([]);
  });
});
