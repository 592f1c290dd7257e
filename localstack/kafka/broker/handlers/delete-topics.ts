import { deleteTopicsApi } from "../apis/delete-topics.ts";
import { ErrorCode } from "../error-code.ts";
import { ZERO_UUID } from "../wire/types.ts";
import { askedTopic, missingTopicCode } from "./asked-topic.ts";
import { handler } from "./handler.ts";

export const deleteTopics = handler(
  deleteTopicsApi,
  ({ topics, topicNames }, { cluster, troubles }) => {
    const asked = [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
    return {
      responses: asked.map(({ name, topicId }) => {
        const topic = askedTopic(cluster, { name: name ?? "", topicId });
        const refusal = troubles.refusalOf(ErrorCode.topicAuthorizationFailed, topic?.name ?? name ?? "");
        if (refusal !== ErrorCode.none) return { name, topicId, errorCode: refusal };
        if (topic === undefined) return { name, topicId, errorCode: missingTopicCode({ name: name ?? "", topicId }) };
        cluster.deleteTopic(topic);
        return { name: topic.name, topicId: topic.topicId, errorCode: ErrorCode.none };
      }),
    };
  },
  {
    topics: ({ topics, topicNames }, cluster) => [
      ...topics.map(({ name, topicId }) => [askedTopic(cluster, { name: name ?? "", topicId })?.name ?? name ?? "", null] as const),
      ...topicNames.map((name) => [name, null] as const),
    ],
  },
);
