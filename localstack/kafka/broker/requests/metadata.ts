import type { Cluster } from "../cluster.ts";
import { ErrorCode, Refusal } from "../error-code.ts";
import { NO_LEADER } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import { isTopicName } from "../topics/topics.ts";
import { type AnswerOf, type RequestOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { ZERO_UUID, array, boolean, int16, int32, nullableArray, nullableString, string, uuid } from "../wire/types.ts";
import { authorizedOperations } from "./authorized-operations.ts";
import { type RequestContext, handler } from "./handler.ts";
import { requestedTopic } from "./requested-topic.ts";

const NO_OPERATIONS = -2_147_483_648;

export const metadataApi = defineApi({
  name: "Metadata",
  key: 3,
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    topics: nullableArray(struct({ topicId: uuid.since(10), name: nullableString })),
    allowAutoTopicCreation: boolean.since(4).or(true),
    includeClusterAuthorizedOperations: boolean.since(8).until(10),
    includeTopicAuthorizedOperations: boolean.since(8),
  },
  answer: {
    throttleTimeMs: int32.since(3).or(0),
    brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString.since(1).or(null) })),
    clusterId: nullableString.since(2),
    controllerId: int32.since(1),
    topics: array(
      struct({
        errorCode: int16,
        name: nullableString,
        topicId: uuid.since(10),
        isInternal: boolean.since(1).or(false),
        partitions: array(
          struct({
            errorCode: int16,
            partitionIndex: int32,
            leaderId: int32,
            leaderEpoch: int32.since(7),
            replicaNodes: array(int32),
            isrNodes: array(int32),
            offlineReplicas: array(int32).since(5),
          }),
        ),
        topicAuthorizedOperations: int32.since(8).or(NO_OPERATIONS),
      }),
    ),
    clusterAuthorizedOperations: int32.since(8).until(10).or(NO_OPERATIONS),
    errorCode: int16.since(13).or(0),
  },
});

type RequestedMetadata = NonNullable<RequestOf<typeof metadataApi>["topics"]>[number];
type DescribedTopic = AnswerOf<typeof metadataApi>["topics"][number];

export const metadata = handler(
  metadataApi,
  ({ topics, allowAutoTopicCreation, includeClusterAuthorizedOperations, includeTopicAuthorizedOperations }, context) => {
    const { cluster, version } = context;
    // In version 0 an empty list means all topics.
    const wantsAll = topics === null || (version === 0 && topics.length === 0);
    const describedTopics = wantsAll
      ? cluster.topics.all.map((topic) => describe(cluster, topic))
      : topics.map((requested) => answerFor(requested, allowAutoTopicCreation, context));
    const areReported = ({ errorCode }: DescribedTopic): boolean =>
      includeTopicAuthorizedOperations && errorCode !== ErrorCode.topicAuthorizationFailed;
    return {
      brokers: cluster.upNodes.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
      clusterId: cluster.clusterId,
      controllerId: cluster.upNodes[0]?.nodeId ?? -1,
      topics: describedTopics.map((topic) => ({ ...topic, topicAuthorizedOperations: authorizedOperations("topic", areReported(topic)) })),
      clusterAuthorizedOperations: authorizedOperations("cluster", includeClusterAuthorizedOperations),
    };
  },
  {
    topics: ({ topics }, cluster) =>
      (topics ?? []).map(({ name, topicId }) => [requestedTopic(cluster, { name: name ?? "", topicId })?.name ?? name ?? "", null]),
  },
);

function answerFor({ name, topicId }: RequestedMetadata, mayCreate: boolean, { cluster, faults }: RequestContext): DescribedTopic {
  const topic = requestedTopic(cluster, { name: name ?? "", topicId });
  const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, topic?.name ?? name ?? "");
  if (refusal !== ErrorCode.none) return withoutPartitions(name, ZERO_UUID, refusal);
  if (topic !== undefined) return describe(cluster, topic);
  if (name === null) return withoutPartitions(null, topicId, ErrorCode.unknownTopicId);
  if (!isTopicName(name)) return withoutPartitions(name, ZERO_UUID, ErrorCode.invalidTopicException);
  if (!mayCreate || !cluster.properties.isOn("auto.create.topics.enable")) {
    return withoutPartitions(name, ZERO_UUID, ErrorCode.unknownTopicOrPartition);
  }
  return withoutPartitions(name, ZERO_UUID, createFor(cluster, name));
}

/** The topic is ready at the next request, as on a server that has to elect a leader first. */
function createFor(cluster: Cluster, name: string): number {
  try {
    cluster.topics.create({ name, partitions: null, replicationFactor: null, assignment: null, settings: new Map() }, Date.now());
    return ErrorCode.leaderNotAvailable;
  } catch (error) {
    if (error instanceof Refusal) return error.errorCode;
    throw error;
  }
}

function withoutPartitions(name: string | null, topicId: string, errorCode: number): DescribedTopic {
  return { errorCode, name, topicId, partitions: [] };
}

function describe(cluster: Cluster, topic: Topic): DescribedTopic {
  const partitions = topic.partitions.map((partition) => {
    const { index, leaderId, leaderEpoch, replicas } = partition;
    const isrNodes = cluster.inSyncReplicas(partition);
    return {
      errorCode: leaderId === NO_LEADER ? ErrorCode.leaderNotAvailable : ErrorCode.none,
      partitionIndex: index,
      leaderId,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes,
      offlineReplicas: replicas.filter((nodeId) => !isrNodes.includes(nodeId)),
    };
  });
  return { errorCode: ErrorCode.none, name: topic.name, topicId: topic.topicId, partitions };
}
