import { PermissionAttempts } from "../../../src/adapter-kit/index.ts";
import type { GroupName, GuardedOperation, Permission } from "../../../src/driver/index.ts";
import { classify } from "../errors.ts";
import { tableOf } from "../group/group-name.ts";
import { ShardReads } from "../read/shard-reads.ts";
import type { KinesisService } from "../service.ts";

const ON_TABLES = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan", "DescribeTable", "CreateTable"];
const TO_READ = ["DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"];

/** The actions that each operation needs, on the stream and on the tables. The README has the same table. */
const NEEDS: Readonly<Record<GuardedOperation, { readonly stream: readonly string[]; readonly tables: readonly string[] }>> = {
  send: { stream: ["PutRecords", "DescribeStreamSummary", "ListShards"], tables: [] },
  consume: { stream: TO_READ, tables: ON_TABLES },
  createTopic: { stream: ["CreateStream", "DescribeStreamSummary", "IncreaseStreamRetentionPeriod"], tables: [] },
  updateTopic: {
    stream: ["UpdateShardCount", "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod", "DescribeStreamSummary"],
    tables: [],
  },
  deleteTopic: { stream: ["DeleteStream", "DescribeStreamSummary"], tables: [] },
  resetGroup: { stream: TO_READ, tables: ON_TABLES },
  deleteGroup: { stream: ["DescribeStreamSummary", "ListShards"], tables: [...ON_TABLES, "DeleteTable"] },
};

/**
 * What is known without changing anything: the service reports no permissions, so that only reading can be tried. What can only be tried by doing it is
 * listed by its actions. @throws `not-found`
 */
export async function permissionsOn(
  service: KinesisService,
  topic: string,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<readonly Permission[]> {
  const tried = await tryReading(service, topic, signal);
  const onTables = (action: string): string => `dynamodb:${action} on ${name === null ? "the tables of groups" : tableOf(topic, name)}`;
  return (Object.keys(NEEDS) as GuardedOperation[]).map((operation) => {
    const { stream, tables } = NEEDS[operation];
    return tried.permissionTo(operation, [...stream.map(onStream), ...tables.map(onTables)]);
  });
}

function onStream(action: string): string {
  return `kinesis:${action} on the stream`;
}

/** What only reads. */
async function tryReading(service: KinesisService, topic: string, signal: AbortSignal): Promise<PermissionAttempts> {
  const tried = new PermissionAttempts((error) => classify(error).code === "permission-denied", signal);
  await tried.attempt(onStream("DescribeStreamSummary"), () => service.directory.describe(topic, signal));
  const shards = await tried.attempt(onStream("ListShards"), () => service.directory.shards(topic, signal));
  const shard = shards?.[0];
  if (shard === undefined) return tried;
  const reads = new ShardReads(service, topic, shard.partition);
  const iterator = await tried.attempt(onStream("GetShardIterator"), () => reads.iterator({ type: "LATEST" }, signal));
  if (iterator !== null) await tried.attempt(onStream("GetRecords"), () => reads.records(iterator, 1, signal));
  return tried;
}
