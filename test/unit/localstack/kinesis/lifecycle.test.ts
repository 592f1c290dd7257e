import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DescribeStreamSummaryCommand, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { CreateTableCommand, DescribeTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, test, vi } from "vitest";
import { startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { unpackRecord, FrameWriter } from "../../../../src/envelope/index.ts";
import { clientsOf } from "./clients.ts";
import { closing } from "./closing.ts";
import { StreamCalls } from "./stream-calls.ts";

const close = closing();
const ROOT = join(import.meta.dirname, "..", "..", "..", "..");

test("is ready within 100 ms", async () => {
  const durationsMs: number[] = [];
  for (let time = 0; time < 5; time += 1) {
    const startedAt = performance.now();
    await using emulator = await startEmulatedKinesis({ topics: { flights: { partitions: 8 } } });
    durationsMs.push(performance.now() - startedAt);
    expect(emulator.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  }
  expect(durationsMs.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
});

test("ends after its work, with open connections and tables, and leaves nothing that keeps the process alive", async () => {
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(ROOT, path)).href);
  const program = `
    import { startEmulatedKinesis } from ${url("localstack/kinesis/emulated-kinesis.ts")};
    import { clientsOf } from ${url("test/unit/localstack/kinesis/clients.ts")};
    import { ListTablesCommand } from ${JSON.stringify(import.meta.resolve("@aws-sdk/client-dynamodb"))};
    import { connect } from "node:net";
    const emulator = await startEmulatedKinesis({ topics: { flights: {} } });
    await clientsOf(emulator).dynamo.send(new ListTablesCommand({}));
    const socket = connect(Number(new URL(emulator.endpoint).port), "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const hungUp = new Promise((resolve) => socket.once("close", resolve));
    await emulator.close();
    await emulator.close();
    await hungUp;
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "ignore", "pipe"], cwd: ROOT });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
});

test("a closed emulator refuses every change, and a taken port or a wrong option is an error", async () => {
  const emulator = await startEmulatedKinesis({ topics: { orders: {} } });
  const port = Number(new URL(emulator.endpoint).port);
  await expect(startEmulatedKinesis({ port })).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining(String(port)),
  });
  await expect(emulator.createTopic("orders")).rejects.toMatchObject({ code: "already-exists" });
  await expect(emulator.createTopic("no/name")).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(emulator.expire("missing")).rejects.toMatchObject({ code: "not-found" });
  await emulator.close();
  const closed = { code: "closed", message: "the emulator of kinesis has been closed; start another one" };
  for (const late of [
    () => emulator.inject({ kind: "throttle" }),
    () => emulator.clearFaults(),
    () => emulator.answerWith({ operation: "GetRecords" }),
    () => emulator.reshard("orders", 2),
    () => emulator.expireCredentials(),
    () => emulator.setClockSkew(0),
    () => emulator.damage("orders", "shardId-000000000000"),
  ]) {
    expect(late).toThrow(expect.objectContaining(closed));
  }
  await expect(emulator.createTopic("late")).rejects.toMatchObject(closed);
  await expect(emulator.expire("orders")).rejects.toMatchObject(closed);
  await expect(emulator.restart()).rejects.toMatchObject(closed);
  await expect(startEmulatedKinesis({ colour: "red" } as never)).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(startEmulatedKinesis({ throttledEntries: 2 })).rejects.toMatchObject({ code: "invalid-argument" });
});

test("listens where it is told, and tells clients another name", async () => {
  const everywhere = close(await startEmulatedKinesis({ host: "0.0.0.0" }));
  expect(everywhere.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const named = close(await startEmulatedKinesis({ host: "0.0.0.0", advertisedHost: "host.docker.internal" }));
  expect(named.url).toMatch(/endpoint=http:\/\/host\.docker\.internal:\d+&/);
  const six = close(await startEmulatedKinesis({ advertisedHost: "::1" }));
  expect(six.endpoint).toMatch(/^http:\/\/\[::1\]:\d+$/);
});

test("a damaged frame stays a frame that cannot be read", async () => {
  const emulator = close(await startEmulatedKinesis({ topics: { orders: {} } }));
  const { kinesis } = close(clientsOf(emulator));
  const key = Buffer.from("a");
  const writer = new FrameWriter(key, { maxBytes: 1_000, maxMessages: 10 });
  writer.add({ key, value: Buffer.from("one"), headers: [], timestampMs: null });
  await kinesis.send(new PutRecordCommand({ StreamName: "orders", PartitionKey: "a", Data: writer.finish() }));
  emulator.damage("orders", "shardId-000000000000");
  const orders = new StreamCalls(kinesis, "orders");
  for (let time = 0; time < 2; time += 1) {
    const { Records } = await orders.get(await orders.iterator(0, "TRIM_HORIZON"));
    const data = Records![0]!.Data!;
    expect(unpackRecord({ partitionKey: key, data, position: "1", timestampMs: 0, native: null })).toMatchObject({ kind: "unreadable" });
  }
});

describe("under fake timers that are not advanced", () => {
  const CHRISTMAS = new Date("2026-12-24T18:00:00Z");
  afterEach(() => {
    vi.useRealTimers();
  });

  test("streams and tables work, faults and restarts take real time, and what is stored has the time of the test", async () => {
    vi.useFakeTimers({ now: CHRISTMAS });
    const emulator = close(await startEmulatedKinesis({ topics: { orders: {} } }));
    const { kinesis, dynamo } = close(clientsOf(emulator));
    const orders = new StreamCalls(kinesis, "orders");
    await orders.put(["a", "1"], ["a", "2"]);
    const page = await orders.get(await orders.iterator(0, "TRIM_HORIZON"), 1);
    expect(page.Records![0]!.ApproximateArrivalTimestamp).toEqual(CHRISTMAS);
    // The clock stands still, but there is more to read.
    expect(page.MillisBehindLatest).toBeGreaterThan(0);
    expect(await orders.texts(0, "AT_TIMESTAMP", { Timestamp: CHRISTMAS })).toEqual(["1", "2"]);
    const TableName = "streamport.orders.billing";
    await dynamo.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
    let status: string | undefined;
    while (status !== "ACTIVE") status = (await dynamo.send(new DescribeTableCommand({ TableName }))).Table!.TableStatus;
    await dynamo.send(new PutItemCommand({ TableName, Item: { leaseKey: { S: "one" } } }));
    emulator.inject({ kind: "stall", topic: "orders", durationMs: 20 });
    await orders.put(["a", "3"]);
    await emulator.restart();
    const summary = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }));
    expect(summary.StreamDescriptionSummary!.StreamStatus).toBe("ACTIVE");
    emulator.reshard("orders", 4);
    emulator.reshard("orders", 1);
    expect(await orders.shards({ ShardFilter: { Type: "AT_LATEST" } })).toHaveLength(1);
    expect((await orders.shardIds()).length).toBeGreaterThan(4);
    await emulator.close();
  });
});
