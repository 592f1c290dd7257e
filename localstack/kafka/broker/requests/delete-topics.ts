import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { ZERO_UUID, array, int16, int32, nullableString, string, uuid } from "../wire/types.ts";
import { handler } from "./handler.ts";
import { missingTopicCode, requestedTopic } from "./requested-topic.ts";

export const deleteTopicsApi = defineApi({
  name: "DeleteTopics",
  key: 20,
  versions: [1, 6],
  flexibleFrom: 4,
  request: {
    topics: array(struct({ name: nullableString, topicId: uuid })).since(6),
    topicNames: array(string).until(5),
    timeoutMs: int32,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    responses: array(
      struct({ name: nullableString, topicId: uuid.since(6), errorCode: int16, errorMessage: nullableString.since(5).or(null) }),
    ),
  },
});

export const deleteTopics = handler(
  deleteTopicsApi,
  ({ topics, topicNames }, { cluster, faults }) => {
    const requested = [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
    return {
      responses: requested.map(({ name, topicId }) => {
        const topic = requestedTopic(cluster, { name: name ?? "", topicId });
        const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, topic?.name ?? name ?? "");
        if (refusal !== ErrorCode.none) return { name, topicId, errorCode: refusal };
        if (topic === undefined) return { name, topicId, errorCode: missingTopicCode({ name: name ?? "", topicId }) };
        cluster.deleteTopic(topic);
        return { name: topic.name, topicId: topic.topicId, errorCode: ErrorCode.none };
      }),
    };
  },
  {
    topics: ({ topics, topicNames }, cluster) => [
      ...topics.map(({ name, topicId }) => [requestedTopic(cluster, { name: name ?? "", topicId })?.name ?? name ?? "", null] as const),
      ...topicNames.map((name) => [name, null] as const),
    ],
  },
);
