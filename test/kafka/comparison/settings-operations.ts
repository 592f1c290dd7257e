import { alterConfigsApi } from "../../../localstack/kafka/broker/requests/alter-configs.ts";
import { createTopicsApi } from "../../../localstack/kafka/broker/requests/create-topics.ts";
import { describeConfigsApi } from "../../../localstack/kafka/broker/requests/describe-configs.ts";
import { incrementalAlterConfigsApi } from "../../../localstack/kafka/broker/requests/incremental-alter-configs.ts";
import { type Operation, type Target, operation } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const TOPIC = 2;
const SET = 0;

type Settings = Readonly<Record<string, string>>;

/** Can a topic be created with these settings? */
async function tried(client: RawClient, target: Target, settings: Settings): Promise<number> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const topics = [{ name: target.name(`tried-${target.count()}`), numPartitions: 1, replicationFactor: 1, assignments: [], configs }];
  const answer = await client.call(createTopicsApi, 5, { topics, timeoutMs: 5_000, validateOnly: true });
  return answer.topics[0]!.errorCode;
}

/** The outcomes of several values of one setting. */
function values(name: string, ...texts: readonly string[]): Operation {
  return operation(`Settings: values of ${name}`, async (target) => {
    await using client = await target.raw();
    const codes: Record<string, number> = {};
    for (const text of texts) codes[text] = await tried(client, target, { [name]: text });
    return codes;
  });
}

/** The outcomes of both requests, the newer one first. */
async function alter(client: RawClient, resourceName: string, settings: Settings): Promise<readonly (number | undefined)[]> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: SET }));
  const request = { resources: [{ resourceType: TOPIC, resourceName, configs }], validateOnly: false };
  const newer = await client.call(incrementalAlterConfigsApi, 1, request);
  const older = await client.call(alterConfigsApi, 1, request);
  return [newer.responses[0]?.errorCode, older.responses[0]?.errorCode];
}

export const settingsOperations: readonly Operation[] = [
  values("compression.gzip.level", "-2", "-1", "0", "1", "9", "10"),
  values("leader.replication.throttled.replicas", "", "*", "x", "0:1", "0:1,2:3", "0:1, 2:3", "0:1,*", "0:1,", "0", "*,"),
  values("follower.replication.throttled.replicas", "*", "all", "7:1"),
  values("remote.storage.enable", "true", "false", "perhaps"),
  values("remote.log.copy.disable", "true", "false"),
  values("remote.log.delete.on.disable", "true", "false"),
  values("min.cleanable.dirty.ratio", "0", "1", "1.1", "-0.1", "NaN", "0.5d", "5e-1F", ".5", "1.", "Infinity", "0,5", "half", ""),
  values("segment.bytes", "1048576", "1048575", "0x200000", "+2000000", "2000000.0", "2147483648", ""),
  values("preallocate", "TRUE", "yes", ""),
  operation("Settings: lags of compaction that contradict each other", async (target) => {
    await using client = await target.raw();
    const topic = await target.topic("topic", 1, { "max.compaction.lag.ms": "100" });
    return {
      created: [
        await tried(client, target, { "min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5" }),
        await tried(client, target, { "min.compaction.lag.ms": "10", "max.compaction.lag.ms": "10" }),
      ],
      altered: [
        await alter(client, topic, { "min.compaction.lag.ms": "101" }),
        await alter(client, topic, { "min.compaction.lag.ms": "7", "max.compaction.lag.ms": "6" }),
      ],
    };
  }),
  operation("Settings: of what is no name of a topic", async (target) => {
    await using client = await target.raw();
    const valid = { "retention.ms": "5" };
    return [await alter(client, "a b", valid), await alter(client, "", valid), await alter(client, "a b", { "retention.ms": "soon" })];
  }),
  operation("Settings: what the brokers have for topics that say nothing", async (target) => {
    const topic = await target.topic("topic", 1, { "retention.ms": "7777", "max.compaction.lag.ms": "5" });
    await using client = await target.raw();
    const { results } = await client.call(describeConfigsApi, 4, {
      resources: [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }],
      includeSynonyms: true,
      includeDocumentation: false,
    });
    const described = results[0]!.configs.map(({ name, synonyms }) => [
      name,
      synonyms.map((synonym) => `${synonym.name} ${synonym.value} ${synonym.source}`),
    ]);
    // The start of a real server sets these for its brokers.
    return Object.fromEntries(described.filter(([name]) => name !== "min.insync.replicas" && name !== "unclean.leader.election.enable"));
  }),
];
