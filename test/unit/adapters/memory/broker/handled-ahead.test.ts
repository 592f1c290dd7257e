import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { memoryBroker } from "../../../../../adapters/memory/broker/brokers.ts";
import { COUNTED } from "../../../../../adapters/memory/broker/positions.ts";
import { StoredAhead } from "../../../../../adapters/memory/broker/stored-ahead.ts";
import type { Assignment, HandledAhead, StreamError } from "../../../../../src/driver/index.ts";
import { connect, text } from "../../../../../src/index.ts";
import { type Opened, TestMember, eventually, membersOf, open, publish, series, signal } from "../harness.ts";

const GROUP = { group: "billing", nativeGroup: undefined };
const ahead: HandledAhead = { upTo: "8", except: ["2", "5"] };

/** A topic of one partition with ten records, and a member that settles what the test says. */
async function oneOwner(query = ""): Promise<{ readonly opened: Opened; readonly member: TestMember; readonly mine: Assignment }> {
  const opened = open(query);
  await opened.driver.admin.createTopic("orders", { partitions: 1 }, signal);
  await publish(opened.driver, "orders", series(10));
  const member = await join(opened);
  return { opened, member, mine: member.current.get("0")! };
}

async function join({ driver }: Opened): Promise<TestMember> {
  const member = new TestMember(driver, "orders", { sessionTimeoutMs: 20 });
  member.settles = false;
  await member.start();
  await eventually(() => expect(member.current.size).toBe(1));
  return member;
}

async function store(
  member: TestMember,
  mine: Assignment,
  through: string | null,
  stored: HandledAhead | null,
): Promise<StreamError | null> {
  const [error] = await member.consumer.settle([{ assignment: mine, through, records: [], ended: false, ahead: stored }], signal);
  return error!;
}

async function lagOf({ driver }: Opened): Promise<number | null> {
  return (await driver.admin.lag("orders", GROUP, { partitions: null, initialPosition: null }, signal)).messages;
}

describe("a group keeps what is handled ahead of its place", () => {
  test("with the place, and alone; the next owner gets it; lag leaves it out", async () => {
    const { opened, member, mine } = await oneOwner();
    expect(await store(member, mine, "0", ahead)).toBe(null);
    expect(await lagOf(opened)).toBe(3);
    expect(await store(member, mine, null, { upTo: "8", except: ["0", "5"] })).toMatchObject({ code: "invalid-argument" });
    expect(await store(member, mine, null, { upTo: "8", except: ["1", "5"] })).toBe(null);
    expect(await lagOf(opened)).toBe(3);
    await member.consumer.close();
    const next = await join(opened);
    expect(next.current.get("0")).toMatchObject({ start: { position: "1" }, ahead: { upTo: "8", except: ["1", "5"] }, resumes: null });
    expect(await store(next, next.current.get("0")!, "8", null)).toBe(null);
    expect(await lagOf(opened)).toBe(1);
    await next.consumer.close();
  });

  test("until it is reset, also to the same place", async () => {
    const { opened, member, mine } = await oneOwner();
    await store(member, mine, "1", ahead);
    await member.consumer.close();
    const places = new Map([["0", { kind: "at", position: "2" } as const]]);
    const to = { kind: "places", places } as const;
    await opened.driver.admin.resetGroup("orders", GROUP, to, signal);
    const next = await join(opened);
    expect(next.current.get("0")).toMatchObject({ start: { position: "2" }, ahead: null });
    await next.consumer.close();
  });

  test("only from its owner", async () => {
    const { opened, member, mine } = await oneOwner();
    opened.broker.topic("orders").groups.get("billing")!.steal("0");
    expect(await store(member, mine, "1", ahead)).toMatchObject({ code: "ownership-lost" });
    await member.consumer.close();
  });

  test("without fencing, beside a former owner whose late result moves the place", async () => {
    const { opened, member, mine } = await oneOwner("without=fencing");
    const group = opened.broker.topic("orders").groups.get("billing")!;
    group.steal("0");
    await eventually(() => expect(member.current.get("0")).not.toBe(mine));
    const again = member.current.get("0")!;
    expect(await store(member, mine, "4", null)).toBe(null);
    // The new owner does not know of the late result. What it says about a lower place means nothing beside the higher one.
    expect(await store(member, again, "1", { upTo: "8", except: ["2", "5"] })).toBe(null);
    expect(group.places).toEqual(new Map([["0", { kind: "at", position: "5" }]]));
    expect(await lagOf(opened)).toBe(5);
    // Alone it belongs to the place that this owner stored last: what lies before the higher place is left out.
    expect(await store(member, again, null, { upTo: "8", except: ["3", "6"] })).toBe(null);
    expect(await lagOf(opened)).toBe(2);
    expect(await store(member, again, null, { upTo: "3", except: ["2"] })).toBe(null);
    expect(await lagOf(opened)).toBe(5);
    expect(await store(member, again, null, { upTo: "10", except: [] })).toMatchObject({ code: "invalid-argument" });
    expect(await store(member, again, null, { upTo: "8", except: ["7", "6"] })).toMatchObject({ code: "invalid-argument" });
    group.dissolve();
    await eventually(() => expect(member.current.get("0")).not.toBe(again));
    expect(member.current.get("0")).toMatchObject({ start: { position: "5" }, ahead: null, resumes: null });
    await member.consumer.close();
  });

  test("as far as it says anything, and is in order", async () => {
    const many = { upTo: "40", except: ["1", "3", "5", "7", "9", "11", "13", "15", "16", "18"] };
    const endsAt = (endIndex: number) => ({ positions: COUNTED, endIndex });
    const kept = (given: HandledAhead): HandledAhead | string | null => {
      const stored = StoredAhead.of(given, 1, endsAt(50));
      return stored instanceof StoredAhead ? stored.named : stored;
    };
    expect(kept(many)).toEqual(many);
    // Where it ends at an exception, it ends before it.
    expect(kept({ upTo: "16", except: many.except.slice(0, 9) })).toEqual({ upTo: "14", except: many.except.slice(0, 7) });
    expect(kept({ upTo: "3", except: ["1", "2", "3"] })).toBe(null);
    expect(kept({ upTo: "4", except: ["3", "2"] })).toBe("malformed");
    expect(kept({ upTo: "4", except: ["5"] })).toBe("malformed");
    expect(StoredAhead.of(many, 2, endsAt(50))).toBe("malformed");
    expect(StoredAhead.of(many, 1, endsAt(40))).toBe("malformed");
  });
});

describe("an ownership resumes the former one of the same member", () => {
  test("when the group stands exactly where that one has left it", async () => {
    const { opened, member, mine } = await oneOwner();
    await store(member, mine, "1", ahead);
    opened.broker.topic("orders").groups.get("billing")!.dissolve();
    await eventually(() => expect(member.current.get("0")).not.toBe(mine));
    const again = member.current.get("0")!;
    expect(again).toMatchObject({ start: { position: "2" }, ahead });
    expect(again.resumes).toBe(mine);
    opened.broker.topic("orders").groups.get("billing")!.dissolve();
    await eventually(() => expect(member.current.get("0")).not.toBe(again));
    expect([member.current.get("0")!.resumes, again.resumes]).toEqual([again, null]);
    await member.consumer.close();
  });

  test("not when another member has settled in between, and not for another member", async () => {
    const { opened, member, mine } = await oneOwner();
    const [frozen] = membersOf(opened);
    frozen!.freeze();
    const other = await join(opened);
    expect(other.current.get("0")!.resumes).toBe(null);
    expect(await store(other, other.current.get("0")!, null, { upTo: "1", except: ["0"] })).toBe(null);
    await other.consumer.close();
    frozen!.thaw();
    await eventually(() => expect(member.current.get("0")).not.toBe(mine));
    expect(member.current.get("0")!.resumes).toBe(null);
    await member.consumer.close();
  });
});

/** What a member handled before it was frozen, and could not store, must not hide what a reset asks for. */
test.each(["earliest", "the same place"])("a member that thaws after a reset to %s hands out everything again", async (to) => {
  const name = randomUUID();
  const connection = await connect(`memory:${name}`, { require: ["topicAdmin", "groupAdmin", "groupReset"] });
  await connection.admin.createTopic("orders", { partitions: 1 });
  const orders = connection.topic("orders", { codec: text(), key: (value) => value });
  await orders.producer().sendBatch(["a", "b", "c", "d"].map((value) => ({ value })));
  const handled: string[] = [];
  const slow = Promise.withResolvers<void>();
  const consumer = orders.consumer({ group: "billing", concurrency: 4, sessionTimeoutMs: 20, commit: { everyMs: 60_000 } });
  const running = consumer.run(async ({ value }) => {
    if (value === "b" && handled.length < 4) await slow.promise;
    handled.push(value);
  });
  await eventually(() => expect(handled).toEqual(["a", "c", "d"]));
  const group = memoryBroker(name).topic("orders").groups.get("billing")!;
  const [member] = group.members;
  member!.freeze();
  await eventually(() => expect(group.members.size).toBe(0));
  await connection.admin.resetGroup(
    "orders",
    "billing",
    to === "earliest" ? "earliest" : { bookmark: (await connection.admin.describeGroup("orders", "billing")).bookmark! },
  );
  member!.thaw();
  await eventually(() => expect(group.members.size).toBe(1));
  slow.resolve();
  await eventually(() => expect(handled.filter((value) => value !== "b").toSorted()).toEqual(["a", "a", "c", "c", "d", "d"]));
  await connection.close();
  await running;
});

test("without a reset, a member that thaws repeats only what it had not finished", async () => {
  const name = randomUUID();
  const connection = await connect(`memory:${name}`, { require: ["topicAdmin"] });
  await connection.admin.createTopic("orders", { partitions: 1 });
  const orders = connection.topic("orders", { codec: text(), key: (value) => value });
  await orders.producer().sendBatch(["a", "b", "c", "d"].map((value) => ({ value })));
  const handled: string[] = [];
  const slow = Promise.withResolvers<void>();
  const consumer = orders.consumer({ group: "billing", concurrency: 4, sessionTimeoutMs: 20, commit: { everyMs: 60_000 } });
  const running = consumer.run(async ({ value }, { signal: aborted }) => {
    if (value === "b") await slow.promise;
    if (!aborted.aborted) handled.push(value);
  });
  await eventually(() => expect(handled).toEqual(["a", "c", "d"]));
  const group = memoryBroker(name).topic("orders").groups.get("billing")!;
  const [member] = group.members;
  member!.freeze();
  await eventually(() => expect(group.members.size).toBe(0));
  member!.thaw();
  await eventually(() => expect(group.members.size).toBe(1));
  slow.resolve();
  await orders.producer().send({ value: "e" });
  await eventually(() => expect(handled).toHaveLength(5));
  expect(handled.toSorted()).toEqual(["a", "b", "c", "d", "e"]);
  await connection.close();
  await running;
});
