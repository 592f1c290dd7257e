import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, nullableArray, nullableString, string, uuid } from "../wire/types.ts";

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
