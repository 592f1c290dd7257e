import { ErrorCode, Refusal } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, nullableArray, nullableString, string } from "../wire/types.ts";
import { handler } from "./handler.ts";

export const createPartitionsApi = defineApi({
  name: "CreatePartitions",
  key: 37,
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: array(struct({ name: string, count: int32, assignments: nullableArray(struct({ brokerIds: array(int32) })) })),
    timeoutMs: int32,
    validateOnly: boolean,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    results: array(struct({ name: string, errorCode: int16, errorMessage: nullableString })),
  },
});

export const createPartitions = handler(
  createPartitionsApi,
  ({ topics, validateOnly }, { cluster, faults }) => ({
    results: topics.map(({ name, count, assignments }) => {
      try {
        const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, name);
        if (refusal !== ErrorCode.none) throw new Refusal(refusal, "Authorization failed.");
        const topic = cluster.topics.get(name);
        if (topic === undefined) throw new Refusal(ErrorCode.unknownTopicOrPartition, "This server does not host this topic-partition.");
        const given = assignments?.map(({ brokerIds }) => brokerIds) ?? null;
        cluster.topics.grow(topic, count, given, Date.now(), validateOnly);
        cluster.electLeaders();
        return { name, errorCode: ErrorCode.none, errorMessage: null };
      } catch (error) {
        if (error instanceof Refusal) return { name, errorCode: error.errorCode, errorMessage: error.message };
        throw error;
      }
    }),
  }),
  { topics: ({ topics }) => topics.map(({ name }) => [name, null]) },
);
