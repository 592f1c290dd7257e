import { ErrorCode, Refusal } from "../error-code.ts";
import { describedSettings } from "../topics/described-settings.ts";
import type { NewTopic } from "../topics/topics.ts";
import { type AnswerOf, type RequestOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { ZERO_UUID, array, boolean, int16, int32, int8, nullableArray, nullableString, string, uuid } from "../wire/types.ts";
import { type RequestContext, handler } from "./handler.ts";

export const createTopicsApi = defineApi({
  name: "CreateTopics",
  key: 19,
  versions: [2, 7],
  flexibleFrom: 5,
  request: {
    topics: array(
      struct({
        name: string,
        numPartitions: int32,
        replicationFactor: int16,
        assignments: array(struct({ partitionIndex: int32, brokerIds: array(int32) })),
        configs: array(struct({ name: string, value: nullableString })),
      }),
    ),
    timeoutMs: int32,
    validateOnly: boolean,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    topics: array(
      struct({
        name: string,
        topicId: uuid.since(7),
        errorCode: int16,
        errorMessage: nullableString,
        topicConfigErrorCode: int16.since(5).tagged(0),
        numPartitions: int32.since(5),
        replicationFactor: int16.since(5),
        configs: nullableArray(
          struct({ name: string, value: nullableString, readOnly: boolean, configSource: int8, isSensitive: boolean }),
        ).since(5),
      }),
    ),
  },
});

/** Stands for the broker's default. Allowed from version 4 on. */
const AS_THE_BROKER = -1;

type Requested = RequestOf<typeof createTopicsApi>["topics"][number];
type Created = AnswerOf<typeof createTopicsApi>["topics"][number];

export const createTopics = handler(
  createTopicsApi,
  ({ topics, validateOnly }, context) => {
    const duplicated = new Set(topics.map(({ name }) => name).filter((name, index, names) => names.indexOf(name) !== index));
    return {
      topics: topics
        .filter(({ name }, index) => !duplicated.has(name) || topics.findIndex((one) => one.name === name) === index)
        .map((requested) => {
          if (duplicated.has(requested.name))
            return refused(requested.name, new Refusal(ErrorCode.invalidRequest, "Duplicate topic name."));
          return create(requested, validateOnly, context);
        }),
    };
  },
  { topics: ({ topics }) => topics.map(({ name }) => [name, null]) },
);

function create(requested: Requested, isTrial: boolean, { cluster, faults }: RequestContext): Created {
  try {
    const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, requested.name);
    if (refusal !== ErrorCode.none) throw new Refusal(refusal, "Authorization failed.");
    cluster.topics.requireNew(requested.name);
    const topic = cluster.topics.create(newTopic(requested), Date.now(), isTrial);
    cluster.electLeaders();
    return {
      name: topic.name,
      topicId: isTrial ? ZERO_UUID : topic.topicId,
      errorCode: ErrorCode.none,
      errorMessage: null,
      numPartitions: topic.partitions.length,
      replicationFactor: topic.replicationFactor,
      configs: describedSettings(topic, cluster.properties).map(({ name, value, configSource }) => {
        return { name, value, configSource, readOnly: false, isSensitive: false };
      }),
    };
  } catch (error) {
    if (error instanceof Refusal) return refused(requested.name, error);
    throw error;
  }
}

function newTopic({ name, numPartitions, replicationFactor, assignments, configs }: Requested): NewTopic {
  const settings = new Map<string, string>();
  for (const config of configs) {
    if (config.value === null) throw new Refusal(ErrorCode.invalidConfig, `Null value not supported for topic configs: ${config.name}`);
    settings.set(config.name, config.value);
  }
  const isAssigned = assignments.length > 0;
  if (isAssigned && (numPartitions !== AS_THE_BROKER || replicationFactor !== AS_THE_BROKER)) {
    const reason = "A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.";
    throw new Refusal(ErrorCode.invalidRequest, reason);
  }
  return {
    name,
    partitions: numPartitions === AS_THE_BROKER ? null : numPartitions,
    replicationFactor: replicationFactor === AS_THE_BROKER ? null : replicationFactor,
    assignment: isAssigned ? inOrder(assignments) : null,
    settings,
  };
}

function inOrder(assignments: Requested["assignments"]): readonly (readonly number[])[] {
  const sorted = assignments.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
  if (sorted.every(({ partitionIndex }, index) => partitionIndex === index)) return sorted.map(({ brokerIds }) => brokerIds);
  throw new Refusal(ErrorCode.invalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence");
}

function refused(name: string, { errorCode, message }: Refusal): Created {
  return { name, topicId: ZERO_UUID, errorCode, errorMessage: message, numPartitions: -1, replicationFactor: -1, configs: [] };
}
