import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Kafka, logLevel } from "kafkajs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { offsetCommitApi } from "../../../../localstack/kafka/broker/requests/offset-commit.ts";
import type { WarningEvent } from "../../../../src/diagnostics/channels.ts";
import { type ConnectOptions, type Connection, connect, text } from "../../../../src/index.ts";
import { RawClient } from "../../../kafka/comparison/raw-client.ts";
import { runInProcess } from "../../cli/run-in-process.ts";

// Groups of other clients on the same topics: their names and offsets can be anything.

const TOPIC = "orders";
const ADMIN = ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] as const;

let kafka: EmulatedKafka;
const connections: Connection[] = [];

beforeEach(async () => {
  kafka = await startEmulatedKafka({ brokers: 2, topics: { [TOPIC]: { partitions: 1 } } });
  const producer = orders(await open()).producer();
  await producer.sendBatch(["a", "b", "c"].map((value) => ({ value })));
});

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await kafka.close();
});

async function open(options: ConnectOptions = {}): Promise<Connection<(typeof ADMIN)[number]>> {
  const connection = await connect(kafka.url, { ...options, require: ADMIN });
  connections.push(connection);
  return connection;
}

function orders(connection: Connection) {
  return connection.topic(TOPIC, { codec: text(), key: () => "ATL" });
}

/** Commits like Kafka's own tools: without a membership, while the group has no members. Any broker is asked; the group's coordinator accepts it. */
async function commit(groupId: string, offset: number): Promise<void> {
  const partition = { partitionIndex: 0, committedOffset: BigInt(offset), committedLeaderEpoch: -1, committedMetadata: "" };
  const request = {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    topics: [{ name: TOPIC, partitions: [partition] }],
  };
  const codes = await Promise.all(
    kafka.bootstrapServers.split(",").map(async (server) => {
      await using client = await RawClient.open(server);
      const { topics } = await client.call(offsetCommitApi, 6, request);
      return topics[0]!.partitions[0]!.errorCode;
    }),
  );
  expect(codes).toContain(0);
}

/** Runs a member until it has handled this number of messages. */
async function handle(connection: Connection, group: string, count: number): Promise<readonly string[]> {
  const handled: string[] = [];
  await using consumer = orders(connection).consumer({ group });
  const running = consumer.run(({ value }) => handled.push(value));
  const handling = async (): Promise<void> => {
    await expect.poll(() => handled).toHaveLength(count);
  };
  await Promise.race([handling(), running]);
  await consumer.close();
  return handled;
}

describe("a group whose name does not contain the topic", () => {
  test("is not listed with a name that no other call accepts, and no name is listed twice", async () => {
    await commit("billing", 1);
    await commit("audit", 2);
    const { admin } = await open();
    expect(await admin.listGroups(TOPIC)).toEqual([]);
    await handle(await open(), "billing", 3);
    expect(await admin.listGroups(TOPIC)).toEqual(["billing"]);
    expect(await admin.lag(TOPIC, "billing")).toMatchObject({ messages: 0 });
    await expect(admin.lag(TOPIC, "audit")).rejects.toMatchObject({ code: "not-found" });
  });

  test("is listed with the name that `groups` maps to it, and that name means no other group", async () => {
    await commit("legacy", 1);
    await commit("billing", 2);
    await handle(await open(), "billing", 3);
    const mapped = await open({ groups: { billing: "billing", old: "legacy" } });
    expect((await mapped.admin.listGroups(TOPIC)).toSorted()).toEqual(["billing", "old"]);
    expect(await mapped.admin.lag(TOPIC, "billing")).toMatchObject({ messages: 1 });
    expect(await mapped.admin.lag(TOPIC, "old")).toMatchObject({ messages: 2 });
    expect(await handle(mapped, "billing", 1)).toEqual(["c"]);
  });

  test("the command line shows the lag of the other groups, and how to use the group", async () => {
    await commit("billing", 1);
    await commit("legacy", 1);
    await handle(await open(), "billing", 3);
    const lag = await runInProcess(["lag", "--topic", TOPIC], kafka.url);
    expect(lag).toMatchObject({ exitCode: 0, errors: "", output: expect.stringMatching(/^billing +all +0 /m) });
    const listed = await runInProcess(["groups", "list", "--topic", TOPIC], kafka.url);
    expect(listed).toMatchObject({ exitCode: 0, output: "billing\n" });
    expect(listed.errors).toMatch(
      /native group of the name "billing" .*not the group of that name.*map it by `groups`.*\n.*"legacy" .*map it by/,
    );
    const json = await runInProcess(["groups", "list", "--topic", TOPIC, "--json"], kafka.url);
    expect(json.output).toBe('{"topic":"orders","group":"billing"}\n');
    const doctor = await runInProcess(["doctor", "--topic", TOPIC, "--group", "billing"], kafka.url);
    expect(doctor.output).toMatch(/doubtful +list groups +1 group; .*"billing", "legacy"\n +-> .*"billing".*map it by `groups`/);
    const general = await runInProcess(["doctor", "--topic", TOPIC], kafka.url);
    expect(general.output).toMatch(/ok +list groups +1 group; .*mapped by `groups`: "billing", "legacy"\n/);
  });
});

describe("a consumer or a reset with a name that is the native name of another group", () => {
  const warnings: string[] = [];
  const note = (event: unknown): void => void warnings.push((event as WarningEvent).text);

  beforeEach(() => {
    warnings.length = 0;
    subscribe("streamport:warning", note);
  });

  afterEach(() => void unsubscribe("streamport:warning", note));

  const NAMESAKE = [
    expect.stringMatching(/native group of the name "billing".*"orders\.billing".*map it: groups: \{ "billing": "billing" \}/),
  ];

  test("reports a warning", async () => {
    await commit("billing", 1);
    expect(await handle(await open(), "billing", 3)).toEqual(["a", "b", "c"]);
    expect(warnings).toEqual(NAMESAKE);
    await (await open()).admin.deleteGroup(TOPIC, "billing");
    await (await open()).admin.resetGroup(TOPIC, "billing", "latest");
    expect(warnings).toEqual([...NAMESAKE, ...NAMESAKE]);
    await (await open()).admin.resetGroup(TOPIC, "billing", "earliest");
    expect(warnings).toHaveLength(2);
  });

  test("reports no warning if the name is mapped, or if the other group has no offsets on the topic", async () => {
    await commit("billing", 1);
    expect(await handle(await open({ groups: { billing: "billing" } }), "billing", 2)).toEqual(["b", "c"]);
    expect(await handle(await open(), "audit", 3)).toEqual(["a", "b", "c"]);
    expect(warnings).toEqual([]);
  });
});

describe("an offset after the end that another client has committed", () => {
  const AFTER_END = { code: "position-out-of-range", topic: TOPIC, partition: "0" };
  const offsetAfterEnd = (rest: string) => ({
    ...AFTER_END,
    message: expect.stringMatching(`offset 99 is after the end .* which is 3; ${rest}`),
  });

  test("is not a lag of 0, and does not hide the lag of other groups", async () => {
    await commit("orders.billing", 99);
    const connection = await open();
    await handle(connection, "audit", 3);
    await expect(connection.admin.lag(TOPIC, "billing")).rejects.toMatchObject(offsetAfterEnd("another client committed it"));
    const lag = await runInProcess(["lag", "--topic", TOPIC], kafka.url);
    expect(lag.output).toMatch(/^audit +all +0 /m);
    expect(lag.output).not.toContain("billing");
    expect(lag).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^position-out-of-range: group "billing": .* offset 99/) });
    const described = await runInProcess(["groups", "describe", "--topic", TOPIC, "--group", "billing"], kafka.url);
    expect(described).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^position-out-of-range: /) });
    expect(described.output).toMatch(/^0 +at 99$/m);
  });

  test("is attributed to an election only if there was one, and then only as one possible reason", async () => {
    await commit("orders.billing", 99);
    const connection = await open();
    await expect(handle(connection, "billing", 1)).rejects.toMatchObject(
      offsetAfterEnd("another client committed it, and nothing was ever stored there; reset"),
    );
    kafka.moveLeader(TOPIC, 0);
    await expect(handle(connection, "billing", 1)).rejects.toMatchObject(
      offsetAfterEnd("another client committed it: either nothing .* or the election"),
    );
    await connection.admin.resetGroup(TOPIC, "billing", "earliest");
    expect(await handle(connection, "billing", 3)).toEqual(["a", "b", "c"]);
  });

  test("differs from an offset that this client committed and whose record an election removed", async () => {
    const connection = await open();
    await handle(connection, "billing", 3);
    kafka.truncate(TOPIC, 0, 0n);
    const truncated = { ...AFTER_END, message: expect.stringMatching(/truncated to offset 0 by the election/) };
    await expect(connection.admin.lag(TOPIC, "billing")).rejects.toMatchObject(truncated);
    await expect(handle(connection, "billing", 1)).rejects.toMatchObject(truncated);
  });

  test("is none if it is in an open transaction: a client that reads uncommitted records may have committed it", async () => {
    const others = new Kafka({ clientId: "others", brokers: kafka.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    const producer = others.producer({ transactionalId: "open", idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: TOPIC, messages: [{ key: "ATL", value: "d" }] });
    await commit("orders.billing", 4);
    expect(await (await open()).admin.lag(TOPIC, "billing")).toMatchObject({ messages: 0 });
    await transaction.abort();
    await producer.disconnect();
  });
});

test("the lag of a group without offsets is counted from the consumer's initial position", async () => {
  const connection = await open();
  const lagFrom = async (initialPosition: "earliest" | "latest" | "fail") =>
    (await orders(connection).consumer({ group: "new", initialPosition }).lag()).messages;
  expect(await lagFrom("earliest")).toBe(3);
  expect(await lagFrom("latest")).toBe(0);
  await expect(lagFrom("fail")).rejects.toMatchObject({ code: "not-found" });
  await expect(connection.admin.lag(TOPIC, "new")).rejects.toMatchObject({ code: "not-found" });
  const consumer = orders(connection).consumer({ group: "new" });
  const release = Promise.withResolvers<void>();
  const running = consumer.run(() => release.promise);
  expect((await consumer.lag()).messages).toBe(3);
  await expect.poll(() => consumer.assigned).toEqual(["0"]);
  expect((await consumer.lag()).messages).toBe(3);
  release.resolve();
  await consumer.close();
  await running;
});
