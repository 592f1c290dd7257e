import { DescribeStreamSummaryCommand, PutRecordCommand, UpdateShardCountCommand } from "@aws-sdk/client-kinesis";
import { beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { FrameWriter } from "../../../../src/envelope/index.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { closing } from "./closing.ts";
import { unsignedCall } from "./unsigned-call.ts";
import { StreamCalls } from "./stream-calls.ts";

const close = closing();
let emulator: EmulatedKinesis;
let kinesis: Clients["kinesis"];
let orders: StreamCalls;

async function start(firstFaultTurn: number): Promise<void> {
  emulator = close(await startEmulatedKinesis({ firstFaultTurn, topics: { orders: { partitions: 2 }, payments: {} } }));
  kinesis = close(clientsOf(emulator)).kinesis;
  orders = new StreamCalls(kinesis, "orders");
}

beforeEach(async () => start(0));

/** `a` goes to the first shard, `b` to the second one. */
const [KEY_OF_0, KEY_OF_1] = ["a", "b"] as const;
const stored = async () => [...(await orders.texts(0, "TRIM_HORIZON")), ...(await orders.texts(1, "TRIM_HORIZON"))];

test("the keys of these tests belong to different shards", async () => {
  const { Records = [] } = await orders.put([KEY_OF_0, "x"], [KEY_OF_1, "x"]);
  expect(Records.map(({ ShardId }) => ShardId)).toEqual(["shardId-000000000000", "shardId-000000000001"]);
});

describe("publishing", () => {
  test("throttle refuses each record, or the call, and stores nothing", async () => {
    emulator.inject({ kind: "throttle", topic: "orders", times: 2 });
    const { FailedRecordCount, Records } = await orders.put([KEY_OF_0, "1"], [KEY_OF_1, "2"]);
    expect(FailedRecordCount).toBe(2);
    expect(Records!.map(({ ErrorCode }) => ErrorCode)).toEqual(Array(2).fill("ProvisionedThroughputExceededException"));
    await expect(orders.put([KEY_OF_0, "1"])).rejects.toMatchObject({ name: "ProvisionedThroughputExceededException" });
    expect(await stored()).toEqual([]);
    expect((await orders.put([KEY_OF_0, "1"])).FailedRecordCount).toBe(0);
  });

  test("throttle of a shard refuses its records only", async () => {
    emulator.inject({ kind: "throttle", topic: "orders", partition: "shardId-000000000001" });
    await orders.put([KEY_OF_0, "spared"]);
    const { Records } = await orders.put([KEY_OF_0, "1"], [KEY_OF_1, "2"], [KEY_OF_0, "3"]);
    expect(Records!.map(({ ErrorCode = "" }) => ErrorCode !== "")).toEqual([false, true, false]);
    expect(await stored()).toEqual(["spared", "1", "3"]);
  });

  test("fail-before-write stores nothing, in each of its forms", async () => {
    emulator.inject({ kind: "fail-before-write", topic: "orders", times: 4 });
    const { Records } = await orders.put([KEY_OF_0, "1"]);
    expect(Records![0]).toMatchObject({ ErrorCode: "InternalFailure" });
    await expect(orders.put([KEY_OF_0, "1"])).rejects.toMatchObject({
      name: "InternalFailureException",
      $metadata: { httpStatusCode: 500 },
    });
    await expect(orders.put([KEY_OF_0, "1"])).rejects.toMatchObject({ name: "ServiceUnavailable", $metadata: { httpStatusCode: 503 } });
    const one = new PutRecordCommand({ StreamName: "orders", PartitionKey: KEY_OF_0, Data: Buffer.from("1") });
    await expect(kinesis.send(one)).rejects.toMatchObject({ name: "InternalFailureException" });
    expect(await stored()).toEqual([]);
  });

  test("fail-after-write stores everything, in each of its forms", async () => {
    emulator.inject({ kind: "fail-after-write", topic: "orders", times: 3 });
    await expect(orders.put([KEY_OF_0, "1"])).rejects.toMatchObject({ name: "InternalFailureException" });
    await expect(orders.put([KEY_OF_0, "2"])).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await orders.put([KEY_OF_0, "3"])).Records![0]).toMatchObject({ ErrorCode: "InternalFailure" });
    expect(await stored()).toEqual(["1", "2", "3"]);
  });

  test.each([0, 1])("fail-entry makes one record invalid until it is alone, from variant %i on", async (turn) => {
    await start(turn);
    emulator.inject({ kind: "fail-entry", topic: "orders" });
    const all = ["1", "2", "3", "4", "5"].map((text) => [KEY_OF_0, text] as const);
    if (turn === 0) {
      // The call is refused as a whole, and again as long as the record is in it with others.
      for (let attempt = 0; attempt < 2; attempt += 1) {
        await expect(orders.put(...all)).rejects.toMatchObject({
          name: "InvalidArgumentException",
          message: expect.stringContaining("records.3.member"),
        });
      }
      expect(await stored()).toEqual([]);
      await expect(orders.put([KEY_OF_0, "3"])).rejects.toMatchObject({ name: "InvalidArgumentException" });
    } else {
      const { Records } = await orders.put(...all);
      expect(Records!.map(({ ErrorCode }) => ErrorCode)).toEqual([undefined, undefined, "InvalidArgumentException", undefined, undefined]);
      expect(await stored()).toEqual(["1", "2", "4", "5"]);
    }
    expect((await orders.put([KEY_OF_0, "3"])).FailedRecordCount).toBe(0);
  });

  test("fail-entry is about one of the messages that a record packs", async () => {
    emulator.inject({ kind: "fail-entry", topic: "orders" });
    const frameOf = (...values: readonly string[]): Buffer => {
      const key = Buffer.from(KEY_OF_0);
      const writer = new FrameWriter(key, { maxBytes: 1_000, maxMessages: 100 });
      for (const value of values) writer.add({ key, value: Buffer.from(value), headers: [], timestampMs: null });
      return writer.finish();
    };
    const put = async (...values: readonly string[]) =>
      kinesis.send(new PutRecordCommand({ StreamName: "orders", PartitionKey: KEY_OF_0, Data: frameOf(...values) }));
    await expect(put("1", "2", "3", "4", "5")).rejects.toMatchObject({ name: "InvalidArgumentException" });
    await put("1", "2");
    await expect(put("3", "4")).rejects.toMatchObject({ name: "InvalidArgumentException" });
    await put("4", "5");
    await expect(put("3")).rejects.toMatchObject({ name: "InvalidArgumentException" });
    await put("3");
  });

  test("faults that are withdrawn leave nothing behind", async () => {
    emulator.inject({ kind: "fail-entry", topic: "orders", times: 9 });
    await expect(orders.put([KEY_OF_0, "1"], [KEY_OF_0, "2"])).rejects.toThrow("records.2.member");
    emulator.clearFaults();
    expect((await orders.put([KEY_OF_0, "1"], [KEY_OF_0, "2"])).FailedRecordCount).toBe(0);
  });
});

describe("every call", () => {
  const describeStream = async (StreamName = "orders") => kinesis.send(new DescribeStreamSummaryCommand({ StreamName }));

  test("disconnect, refuse-authorization and restart meet the calls about their topic", async () => {
    emulator.inject({ kind: "disconnect", topic: "orders", after: 1 });
    await describeStream("payments");
    await describeStream();
    await expect(describeStream()).rejects.toMatchObject({ code: "ECONNRESET" });
    await describeStream();
    const iterator = await orders.iterator(0, "TRIM_HORIZON");
    emulator.inject({ kind: "refuse-authorization", topic: "orders", operation: "fetch" });
    await describeStream();
    await expect(orders.get(iterator)).rejects.toMatchObject({ name: "AccessDeniedException" });
    await orders.put([KEY_OF_0, "kept"]);
    emulator.inject({ kind: "restart", topic: "orders" });
    await expect(describeStream()).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect.poll(async () => stored().catch(() => null), { timeout: 10_000 }).toEqual(["kept"]);
  });

  test("an answer to a change is lost, and the change is made", async () => {
    emulator.inject({ kind: "fail-after-write", operation: "admin", topic: "orders" });
    const change = new UpdateShardCountCommand({ StreamName: "orders", TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" });
    await expect(kinesis.send(change)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(await orders.shards({ ShardFilter: { Type: "AT_LATEST" } })).toHaveLength(4);
  });

  test("what cannot be shown is refused", () => {
    const refused = (fault: object): unknown => {
      try {
        return emulator.inject(fault as never);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(refused({ kind: "earthquake" })).toBe("invalid-argument");
    expect(refused({ kind: "throttle", operation: "fetch" })).toBe("unsupported");
    expect(refused({ kind: "stall", operation: "commit" })).toBe("unsupported");
    expect(emulator.faultKinds).toHaveLength(11);
  });
});

describe("reading", () => {
  test("expire-cursor asks for a new iterator", async () => {
    const iterator = await orders.iterator(0, "TRIM_HORIZON");
    emulator.inject({ kind: "expire-cursor", topic: "orders" });
    await expect(orders.get(iterator)).rejects.toMatchObject({ name: "ExpiredIteratorException" });
    await orders.get(await orders.iterator(0, "TRIM_HORIZON"));
  });

  test("stall takes its time before the answer, or in the middle of its body, and only for its shard", async () => {
    await orders.put([KEY_OF_0, "1"], [KEY_OF_1, "2"]);
    const iterators = [await orders.iterator(0, "TRIM_HORIZON"), await orders.iterator(1, "TRIM_HORIZON")] as const;
    const timeOf = async (iterator: string): Promise<number> => {
      const startedAt = performance.now();
      expect((await orders.get(iterator)).Records).toHaveLength(1);
      return performance.now() - startedAt;
    };
    emulator.inject({ kind: "stall", topic: "orders", partition: "shardId-000000000000", durationMs: 400, times: 2 });
    const [first, other] = await Promise.all(iterators.map(timeOf));
    expect(first).toBeGreaterThan(380);
    expect(other).toBeLessThan(first! - 50);
    // Now the headers come at once: a time-out that ends when they come does not help.
    const startedAt = performance.now();
    const response = await unsignedCall(emulator, "GetRecords", { ShardIterator: iterators[0] });
    expect(response.status).toBe(200);
    const headersMs = performance.now() - startedAt;
    expect(await response.json()).toMatchObject({ Records: [{ PartitionKey: KEY_OF_0 }] });
    expect(performance.now() - startedAt).toBeGreaterThan(380);
    expect(headersMs).toBeLessThan(performance.now() - startedAt - 300);
    expect(await timeOf(iterators[0])).toBeLessThan(380);
  });
});
