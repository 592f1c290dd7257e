import { createPartitionsApi } from "../apis/create-partitions.ts";
import { ErrorCode, Refusal } from "../error-code.ts";
import { handler } from "./handler.ts";

export const createPartitions = handler(
  createPartitionsApi,
  ({ topics, validateOnly }, { cluster, troubles }) => ({
    results: topics.map(({ name, count, assignments }) => {
      try {
        const refusal = troubles.refusalOf(ErrorCode.topicAuthorizationFailed, name);
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
