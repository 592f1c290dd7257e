import { alterConfigsApi } from "../../../localstack/kafka/broker/requests/alter-configs.ts";
import { apiVersionsApi } from "../../../localstack/kafka/broker/requests/api-versions.ts";
import { createPartitionsApi } from "../../../localstack/kafka/broker/requests/create-partitions.ts";
import { createTopicsApi } from "../../../localstack/kafka/broker/requests/create-topics.ts";
import { deleteTopicsApi } from "../../../localstack/kafka/broker/requests/delete-topics.ts";
import { describeClusterApi } from "../../../localstack/kafka/broker/requests/describe-cluster.ts";
import { describeConfigsApi } from "../../../localstack/kafka/broker/requests/describe-configs.ts";
import { findCoordinatorApi } from "../../../localstack/kafka/broker/requests/find-coordinator.ts";
import { handlers } from "../../../localstack/kafka/broker/requests/handlers.ts";
import { incrementalAlterConfigsApi } from "../../../localstack/kafka/broker/requests/incremental-alter-configs.ts";
import { metadataApi } from "../../../localstack/kafka/broker/requests/metadata.ts";
import { saslHandshakeApi } from "../../../localstack/kafka/broker/requests/sasl-handshake.ts";
import { type Operation, type Target, operation, outcomeOf } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const NO_ID = "AAAAAAAAAAAAAAAAAAAAAA";
const TOPIC = 2;
const BROKER = 4;

interface Creation {
  readonly name: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly assignments?: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs?: Readonly<Record<string, string | null>>;
}

async function create(client: RawClient, topics: readonly Creation[], version = 5, validateOnly = false) {
  const asked = topics.map(({ name, numPartitions = 1, replicationFactor = 1, assignments = [], configs = {} }) => ({
    name,
    numPartitions,
    replicationFactor,
    assignments,
    configs: Object.entries(configs).map(([setting, value]) => ({ name: setting, value })),
  }));
  const answer = await client.call(createTopicsApi, version, { topics: asked, timeoutMs: 5_000, validateOnly });
  return answer.topics.map(({ name, errorCode, numPartitions, replicationFactor, configs }) => {
    return { name, errorCode, numPartitions, replicationFactor, configs: configs?.length ?? null };
  });
}

function creating(what: string, creation: Partial<Creation>, validateOnly = false): Operation {
  return operation(`CreateTopics: ${what}`, async (target) => {
    await using client = await target.raw();
    const created = await create(client, [{ name: target.name("topic"), ...creation }], 5, validateOnly);
    await settled();
    const [answered] = await describe(client, [created[0]!.name]);
    return { created, exists: answered?.errorCode === 0 };
  });
}

/** The answer of Metadata about topics. */
async function describe(client: RawClient, names: readonly (string | null)[], version = 12, topicId = NO_ID) {
  const { topics } = await client.call(metadataApi, version, {
    topics: names.map((name) => ({ topicId, name })),
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return topics.map(({ errorCode, name, isInternal, partitions, topicId: id }) => ({
    errorCode,
    name,
    isInternal,
    hasId: id !== NO_ID,
    partitions: partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex),
  }));
}

async function settingsOf(client: RawClient, name: string, keys: readonly string[] | null, version = 4, resourceType = TOPIC) {
  const { results } = await client.call(describeConfigsApi, version, {
    resources: [{ resourceType, resourceName: name, configurationKeys: keys }],
    includeSynonyms: false,
    includeDocumentation: false,
  });
  const { errorCode, configs } = results[0]!;
  return {
    errorCode,
    configs: configs
      .map(({ name: setting, value, readOnly, configSource, isSensitive, configType }) => {
        return [setting, value, readOnly, configSource, isSensitive, configType].join(" ");
      })
      .toSorted(),
  };
}

type Change = readonly [name: string, operation: number, value: string | null];

async function change(client: RawClient, resourceName: string, changes: readonly Change[], resourceType = TOPIC): Promise<number> {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
  const resources = [{ resourceType, resourceName, configs }];
  const { responses } = await client.call(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
  return responses[0]!.errorCode;
}

async function changed(target: Target, changes: readonly Change[]): Promise<unknown> {
  const topic = await target.topic(`topic-${target.count()}`, 1, { "retention.ms": "5000" });
  await using client = await target.raw();
  const errorCode = await change(client, topic, changes);
  await settled();
  const { configs } = await settingsOf(client, topic, null);
  return { errorCode, own: configs.filter((config) => config.includes(" false 1 ")) };
}

/** Brokers learn of changes a moment later. */
async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 200);
  });
}

async function grow(
  client: RawClient,
  name: string,
  count: number,
  assignments: readonly (readonly number[])[] | null = null,
  validateOnly = false,
) {
  const given = assignments?.map((brokerIds) => ({ brokerIds })) ?? null;
  const { results } = await client.call(createPartitionsApi, 2, {
    topics: [{ name, count, assignments: given }],
    timeoutMs: 5_000,
    validateOnly,
  });
  return results[0]?.errorCode;
}

export const adminOperations: readonly Operation[] = [
  operation("ApiVersions: what is served is served by Kafka as well", async (target) => {
    await using client = await target.raw();
    const { errorCode, apiKeys } = await client.call(apiVersionsApi, 3, { clientSoftwareName: "raw", clientSoftwareVersion: "1" });
    const isWithin = handlers.map(({ api }) => {
      const answered = apiKeys.find(({ apiKey }) => apiKey === api.key);
      return answered !== undefined && answered.minVersion <= api.versions.oldest && answered.maxVersion >= api.versions.newest
        ? "yes"
        : `${api.name}: no`;
    });
    return { errorCode, isWithin: [...new Set(isWithin)], produceFrom: apiKeys.find(({ apiKey }) => apiKey === 0)?.minVersion };
  }),
  operation("ApiVersions: everything", async (target) => {
    await using client = await target.raw();
    const { apiKeys } = await client.call(apiVersionsApi, 0, { clientSoftwareName: "", clientSoftwareVersion: "" });
    return apiKeys
      .toSorted((a, b) => a.apiKey - b.apiKey)
      .map(({ apiKey, minVersion, maxVersion }) => `${apiKey}: ${minVersion}-${maxVersion}`);
  }),
  operation("Metadata: topics of the server itself", async (target) => {
    await using client = await target.raw();
    const coordinators = { key: "", keyType: 0, coordinatorKeys: ["one"] };
    while ((await client.call(findCoordinatorApi, 4, coordinators)).coordinators[0]?.errorCode !== 0) await settled();
    const request = { topics: null, includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };
    const { topics } = await client.call(metadataApi, 12, request);
    return topics.filter(({ isInternal, name }) => isInternal && name === "__consumer_offsets").map(({ name }) => name);
  }),
  operation("DescribeConfigs: of a broker", async (target) => {
    await using client = await target.raw();
    const { configs } = await settingsOf(client, "1", null, 4, BROKER);
    return configs.length > 100 ? "more than a hundred settings" : configs.map((config) => config.split(" ")[0]);
  }),
  operation("ApiVersions: a version of the future", async (target) => {
    await using client = await target.raw();
    client.send({ ...apiVersionsApi, flexibleFrom: 3 }, 99, { clientSoftwareName: "raw", clientSoftwareVersion: "1" });
    const { errorCode, apiKeys } = await client.answer(apiVersionsApi, 0);
    return { errorCode, hasOwn: apiKeys.some(({ apiKey }) => apiKey === 18) };
  }),
  operation("What is no request", async (target) => {
    const outcomes: unknown[] = [];
    const frames = {
      "a request that does not exist": [0x7f, 0x00, 0, 0, 0, 0, 0, 1, 0, 0],
      "a version that does not exist": [0, 3, 0, 99, 0, 0, 0, 1, 0, 0],
      "a body that ends too early": [0, 3, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0],
    };
    for (const [what, bytes] of Object.entries(frames)) {
      await using client = await target.raw();
      client.sendFrame(Buffer.from(bytes));
      outcomes.push([what, await outcomeOf(client.frame().then(() => "an answer"))]);
    }
    return outcomes;
  }),
  operation("SaslHandshake: on a listener without it", async (target) => {
    await using client = await target.raw();
    return await client.call(saslHandshakeApi, 1, { mechanism: "PLAIN" });
  }),
  operation("DescribeCluster", async (target) => {
    await using client = await target.raw();
    const outcomes: unknown[] = [];
    for (let version = 0; version <= 2; version += 1) {
      const { errorCode, endpointType, brokers, clusterId } = await client.call(describeClusterApi, version, {
        includeClusterAuthorizedOperations: false,
        includeFencedBrokers: false,
      });
      const answered = brokers.map(({ brokerId, host, rack, isFenced }) => ({ brokerId, host, rack, isFenced }));
      outcomes.push({ errorCode, endpointType, brokers: answered, clusterId: clusterId.length });
    }
    const controllers = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false, endpointType: 2 };
    const { errorCode } = await client.call(describeClusterApi, 1, controllers);
    return [...outcomes, errorCode];
  }),
  operation("Metadata: every version", async (target) => {
    const topic = await target.topic("topic", 2);
    await using client = await target.raw();
    const outcomes: unknown[] = [];
    for (let version = 0; version <= 13; version += 1) outcomes.push(await describe(client, [topic], version));
    return outcomes;
  }),
  operation("Metadata: what does not exist", async (target) => {
    await using client = await target.raw();
    return [
      await describe(client, [target.name("missing")]),
      await describe(client, [target.name("missing")], 5),
      await describe(client, ["not a name"]),
      await describe(client, [""], 5),
      await describe(client, [null], 12, Buffer.alloc(16, 3).toString("base64url")),
    ];
  }),
  creating("one", { numPartitions: 3 }),
  creating("as the broker has it", { numPartitions: -1, replicationFactor: -1 }),
  creating("only to see whether it could be", {}, true),
  creating("no partitions", { numPartitions: 0 }),
  creating("fewer than none", { numPartitions: -5 }),
  creating("more replicas than brokers", { replicationFactor: 9 }),
  creating("no replicas", { replicationFactor: 0 }),
  creating("a name with a blank", { name: "a b" }),
  creating("a name that is too long", { name: "n".repeat(250) }),
  creating("no name", { name: "" }),
  creating("a dot", { name: "." }),
  creating("with settings", { configs: { "retention.ms": "1000", "cleanup.policy": "compact,delete" } }),
  creating("with a setting that does not exist", { configs: { "retention.years": "1" } }),
  creating("with a setting out of bounds", { configs: { "retention.ms": "-7" } }),
  creating("with a setting that is no number", { configs: { "segment.bytes": "many" } }),
  creating("with a setting of nothing", { configs: { "retention.ms": null } }),
  creating("with brokers", { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
  creating("with brokers and numbers", { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
  creating("with a broker that does not exist", {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 0, brokerIds: [77] }],
  }),
  creating("with a broker twice", { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }),
  creating("with partitions that are not in a row", {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 3, brokerIds: [1] }],
  }),
  operation("CreateTopics: twice in one request, again, and one like it", async (target) => {
    await using client = await target.raw();
    const twice = await create(client, [{ name: target.name("t.a") }, { name: target.name("t.a") }]);
    const first = await create(client, [{ name: target.name("t.a") }]);
    const again = await create(client, [{ name: target.name("t.a") }]);
    await settled();
    return { twice, first, again, alike: await create(client, [{ name: target.name("t_a") }]) };
  }),
  operation("CreateTopics: every version", async (target) => {
    await using client = await target.raw();
    const outcomes: unknown[] = [];
    for (let version = 2; version <= 7; version += 1) outcomes.push(await create(client, [{ name: target.name(`v${version}`) }], version));
    return outcomes;
  }),
  operation("DeleteTopics: by name, by id, what does not exist", async (target) => {
    await target.topic("a");
    await target.topic("b");
    await using client = await target.raw();
    const remove = async (name: string | null, topicId = NO_ID): Promise<unknown> => {
      const { responses } = await client.call(deleteTopicsApi, 6, { topics: [{ name, topicId }], topicNames: [], timeoutMs: 5_000 });
      return responses.map((one) => ({ name: one.name, errorCode: one.errorCode }));
    };
    const old = await client.call(deleteTopicsApi, 3, {
      topics: [],
      topicNames: [target.name("a"), target.name("missing")],
      timeoutMs: 5_000,
    });
    return [
      old.responses.map(({ name, errorCode }) => ({ name, errorCode })).toSorted((a, b) => a.errorCode - b.errorCode),
      await remove(target.name("b")),
      await remove(null, Buffer.alloc(16, 5).toString("base64url")),
    ];
  }),
  operation("CreatePartitions", async (target) => {
    const topic = await target.topic("topic", 2);
    await using client = await target.raw();
    const outcomes = [
      await grow(client, topic, 2),
      await grow(client, topic, 1),
      await grow(client, target.name("missing"), 4),
      await grow(client, topic, 4, null, true),
      await grow(client, topic, 3, [[1], [1]]),
      await grow(client, topic, 3, [[9]]),
      await grow(client, topic, 5),
    ];
    await settled();
    return [outcomes, (await describe(client, [topic]))[0]?.partitions.length];
  }),
  operation("DescribeConfigs: a topic as it is made", async (target) => {
    const topic = await target.topic("topic");
    await using client = await target.raw();
    const { errorCode, configs } = await settingsOf(client, topic, null);
    // The start of a real server sets these for its brokers.
    return { errorCode, configs: configs.filter((config) => !/^(min\.insync\.replicas|unclean\.leader)/.test(config)) };
  }),
  operation("DescribeConfigs: versions, some settings, what does not exist", async (target) => {
    const topic = await target.topic("topic", 1, { "retention.ms": "7777" });
    await using client = await target.raw();
    const keys = ["retention.ms", "max.message.bytes", "no.such.setting"];
    const outcomes: unknown[] = [];
    for (let version = 1; version <= 4; version += 1) outcomes.push(await settingsOf(client, topic, keys, version));
    outcomes.push(await settingsOf(client, target.name("missing"), null), await settingsOf(client, "not a name", null));
    outcomes.push(await settingsOf(client, "9", null, 4, 4), await settingsOf(client, topic, null, 4, 99));
    return outcomes;
  }),
  operation("IncrementalAlterConfigs: set, delete, add, take away", async (target) => [
    await changed(target, [["retention.ms", 0, "9000"]]),
    await changed(target, [["retention.ms", 1, null]]),
    await changed(target, [["cleanup.policy", 2, "compact"]]),
    await changed(target, [["cleanup.policy", 3, "delete"]]),
    await changed(target, [["retention.ms", 2, "1"]]),
    await changed(target, [["retention.ms", 7, "1"]]),
    await changed(target, [["no.such.setting", 0, "1"]]),
    await changed(target, [["no.such.setting", 1, null]]),
    await changed(target, [["retention.ms", 0, "soon"]]),
    await changed(target, [["retention.ms", 0, null]]),
    await changed(target, [
      ["retention.ms", 0, "1"],
      ["retention.ms", 0, "2"],
    ]),
    await changed(target, [
      ["segment.ms", 0, "5000"],
      ["retention.ms", 0, "-9"],
    ]),
  ]),
  operation("IncrementalAlterConfigs: what does not exist", async (target) => {
    await using client = await target.raw();
    return [await change(client, target.name("missing"), [["retention.ms", 0, "1"]]), await change(client, "x", [], 99)];
  }),
  operation("AlterConfigs: forgets what it does not name", async (target) => {
    const topic = await target.topic("topic", 1, { "retention.ms": "5000" });
    await using client = await target.raw();
    const alter = async (resourceName: string, configs: readonly { readonly name: string; readonly value: string | null }[]) => {
      const { responses } = await client.call(alterConfigsApi, 1, {
        resources: [{ resourceType: TOPIC, resourceName, configs }],
        validateOnly: false,
      });
      return responses[0]?.errorCode;
    };
    const codes = [
      await alter(topic, [{ name: "retention.ms", value: null }]),
      await alter(topic, [{ name: "no.such.setting", value: "1" }]),
      await alter(target.name("missing"), []),
      await alter(topic, [{ name: "segment.ms", value: "8000" }]),
    ];
    await settled();
    const { configs } = await settingsOf(client, topic, null);
    return { codes, own: configs.filter((config) => config.includes(" false 1 ")) };
  }),
];
