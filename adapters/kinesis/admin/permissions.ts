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
  return (Object.keys(NEEDS) as GuardedOperation[]).map((operation) => {
    const { stream, tables } = NEEDS[operation];
    const denied = stream.filter((action) => tried.get(action) === false);
    const unknown = stream.filter((action) => !tried.has(action));
    const onTables = tables.map((action) => `dynamodb:${action} on ${name === null ? "the tables of groups" : tableOf(topic, name)}`);
    if (denied.length > 0) return { operation, isAllowed: false, lacking: denied.map((action) => `kinesis:${action} on the stream`) };
    const lacking = [...unknown.map((action) => `kinesis:${action} on the stream`), ...onTables];
    return { operation, isAllowed: lacking.length === 0 ? true : null, lacking };
  });
}

/** By action whether it is permitted; what could not be tried is left out. */
async function tryReading(service: KinesisService, topic: string, signal: AbortSignal): Promise<ReadonlyMap<string, boolean>> {
  const tried = new Map<string, boolean>();
  const attempt = async <Answer>(action: string, ask: () => Promise<Answer>): Promise<Answer | null> => {
    try {
      const answer = await ask();
      tried.set(action, true);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (classify(error).code !== "permission-denied") throw error;
      tried.set(action, false);
      return null;
    }
  };
  await attempt("DescribeStreamSummary", () => service.directory.describe(topic, signal));
  const shards = await attempt("ListShards", () => service.directory.shards(topic, signal));
  const shard = shards?.[0];
  if (shard === undefined) return tried;
  const reads = new ShardReads(service, topic, shard.partition);
  const iterator = await attempt("GetShardIterator", () => reads.iterator({ type: "LATEST" }, signal));
  if (iterator !== null) await attempt("GetRecords", () => reads.records(iterator, 1, signal));
  return tried;
}
