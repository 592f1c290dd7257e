import { setTimeout as sleep } from "node:timers/promises";
import { type AttributeValue, UpdateItemCommand, type UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { GetRecordsCommand } from "@aws-sdk/client-kinesis";
import { kinesis } from "../../adapters/kinesis/index.ts";
import { bytes, connect } from "../../src/index.ts";
import { calibrationFactor, hashNanoseconds } from "./calibration.ts";
import { cpuMicroseconds } from "./cpu.ts";

const SHARDS = 1_000;
const MEASURED_MS = 15_000;
const SETTLING_MS = 15_000;
/** A poll of each shard in a second; a machine that is a little late has fewer. */
const LEAST_READS = (0.8 * SHARDS * MEASURED_MS) / 1_000;
/** Each lease is renewed every three seconds. */
const LEAST_WRITES = (0.8 * SHARDS * MEASURED_MS) / 3_000;

type Item = Record<string, AttributeValue>;

/** A stream of a thousand shards in which nothing is stored. */
class IdleStream {
  readonly config = { serviceId: "Kinesis", region: async () => "eu-west-1" };
  reads = 0;
  readonly #shards = Array.from({ length: SHARDS }, (_, index) => ({
    ShardId: `shardId-${String(index).padStart(12, "0")}`,
    HashKeyRange: { StartingHashKey: "0", EndingHashKey: "1" },
    SequenceNumberRange: { StartingSequenceNumber: "1" },
  }));

  async send(command: { readonly constructor: { readonly name: string } }): Promise<object> {
    switch (command.constructor.name) {
      case "GetRecordsCommand":
        this.reads += 1;
        return { Records: [], NextShardIterator: "iterator", MillisBehindLatest: 0 };
      case "GetShardIteratorCommand":
        return { ShardIterator: "iterator" };
      case "ListShardsCommand":
        return { Shards: this.#shards };
      case "DescribeStreamSummaryCommand":
        return { StreamDescriptionSummary: { StreamName: "idle", StreamStatus: "ACTIVE", StreamCreationTimestamp: new Date(0) } };
      default:
        throw new Error(`nothing answers ${command.constructor.name}`);
    }
  }
}

/** Tables that keep what one member writes: conditions hold, because nobody else does. */
class TablesOfOne {
  readonly config = { serviceId: "DynamoDB" };
  writes = 0;
  last: UpdateItemCommandInput | null = null;
  readonly #items = new Map<string, Map<string, Item>>();

  async send(command: { readonly constructor: { readonly name: string }; readonly input: object }): Promise<object> {
    const input = command.input as {
      readonly TableName: string;
      readonly Key?: Item;
      readonly Item?: Item;
    };
    const items = this.#items.get(input.TableName) ?? new Map<string, Item>();
    this.#items.set(input.TableName, items);
    const key = Object.values(input.Key ?? input.Item ?? {})[0]?.S ?? "";
    switch (command.constructor.name) {
      case "DescribeTableCommand":
        return { Table: { TableStatus: "ACTIVE" } };
      case "GetItemCommand":
        return { Item: items.get(key) };
      case "ScanCommand":
        return { Items: [...items.values()] };
      case "PutItemCommand":
        items.set(key, input.Item!);
        return {};
      case "UpdateItemCommand":
        this.writes += 1;
        this.last = command.input as UpdateItemCommandInput;
        items.set(key, updated(items.get(key)!, this.last));
        return {};
      default:
        throw new Error(`nothing answers ${command.constructor.name}`);
    }
  }
}

/** `SET #s0 = :s0, #s1 = :s1 REMOVE #r0`, or other names. */
function updated(
  item: Item,
  { UpdateExpression = "", ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: UpdateItemCommandInput,
): Item {
  const next = { ...item };
  const [sets = "", removes = ""] = UpdateExpression.replace("SET ", "").split(" REMOVE ");
  for (const term of sets.split(", ")) {
    const [name = "", value = ""] = term.split(" = ");
    next[names[name]!] = values[value]!;
  }
  for (const name of removes === "" ? [] : removes.split(", ")) delete next[names[name]!];
  return next;
}

/**
 * Microseconds of processor time that as many calls take by themselves, at the least: one after the other, so that all they need is in the caches of
 * the processor.
 */
async function callsMicroseconds(stream: IdleStream, tables: TablesOfOne, reads: number, writes: number): Promise<number> {
  const update = tables.last!;
  const call = async (): Promise<void> => {
    for (let read = 0; read < reads; read += 1) await stream.send(new GetRecordsCommand({ ShardIterator: "iterator", Limit: 32 }));
    for (let written = 0; written < writes; written += 1) await tables.send(new UpdateItemCommand(update));
  };
  // The first time V8 compiles it.
  await call();
  return cpuMicroseconds(call);
}

/**
 * Processor time of one consumer of 1,000 idle shards, with all defaults, as a part of one core, on the reference machine. What the requests, the
 * clients and the service take by themselves is not in it.
 * @throws where the machine was too busy to keep the times of polls and leases
 */
export async function idleShardsCpu(): Promise<number> {
  const stream = new IdleStream();
  const tables = new TablesOfOne();
  const connection = await connect(kinesis({ client: stream, leaseClient: tables }));
  const consumer = connection.topic("idle", { codec: bytes() }).consumer({ group: "bench" });
  const running = consumer.run(() => {});
  await sleep(SETTLING_MS);
  const before = { reads: stream.reads, writes: tables.writes };
  const hashBefore = hashNanoseconds();
  const microseconds = await cpuMicroseconds(async () => sleep(MEASURED_MS));
  const hash = (hashBefore + hashNanoseconds()) / 2;
  const [reads, writes] = [stream.reads - before.reads, tables.writes - before.writes];
  await consumer.close();
  await running;
  await connection.close();
  const calls = await callsMicroseconds(stream, tables, reads, writes);
  if (reads < LEAST_READS || writes < LEAST_WRITES) {
    throw new Error(`${SHARDS} shards were read ${reads} times and their leases written ${writes} times: the machine was not quiet`);
  }
  return (((microseconds - calls) / 1_000) * calibrationFactor(hash)) / MEASURED_MS;
}
