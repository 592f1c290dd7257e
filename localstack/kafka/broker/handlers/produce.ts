import { produceApi } from "../apis/produce.ts";
import { ErrorCode, Refusal } from "../error-code.ts";
import { askedTopic, missingTopicCode } from "./asked-topic.ts";
import { type TopicSubject, handler } from "./handler.ts";
import { refusedBatch, storeBatch } from "./store-batch.ts";

const NO_ACKNOWLEDGEMENT = 0;

export const produce = handler(
  produceApi,
  ({ transactionalId, acks, topicData }, context) => {
    const responses = topicData.map((asked) => {
      const topic = askedTopic(context.cluster, asked);
      const partitionResponses = asked.partitionData.map(({ index, records }) => {
        try {
          if (topic === undefined) throw new Refusal(missingTopicCode(asked), "there is no such topic");
          return storeBatch(context, topic, index, records, { acks, transactionalId });
        } catch (error) {
          return refusedBatch(error, topic, index);
        }
      });
      return { name: asked.name, topicId: asked.topicId, partitionResponses };
    });
    if (acks !== NO_ACKNOWLEDGEMENT) return { responses };
    // The only way to tell a client that wants no answer.
    const hasFailed = responses.some(({ partitionResponses }) => partitionResponses.some(({ errorCode }) => errorCode !== ErrorCode.none));
    if (hasFailed) context.hangUp();
    return null;
  },
  {
    topics: ({ topicData }, cluster) =>
      topicData.map((asked): TopicSubject => {
        return [askedTopic(cluster, asked)?.name ?? asked.name, asked.partitionData.map(({ index }) => index)];
      }),
  },
);
