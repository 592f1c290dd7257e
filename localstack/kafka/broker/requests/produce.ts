import { ErrorCode, Refusal } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, milliseconds, nullableString, records, string, uuid } from "../wire/types.ts";
import { type TopicSubject, handler } from "./handler.ts";
import { missingTopicCode, requestedTopic } from "./requested-topic.ts";
import { refusedBatch, storeBatch } from "./store-batch.ts";

export const produceApi = defineApi({
  name: "Produce",
  key: 0,
  versions: [3, 13],
  flexibleFrom: 9,
  request: {
    transactionalId: nullableString.since(3),
    acks: int16,
    timeoutMs: int32,
    topicData: array(
      struct({
        name: string.until(12),
        topicId: uuid.since(13),
        partitionData: array(struct({ index: int32, records })),
      }),
    ),
  },
  answer: {
    responses: array(
      struct({
        name: string.until(12),
        topicId: uuid.since(13),
        partitionResponses: array(
          struct({
            index: int32,
            errorCode: int16,
            baseOffset: int64,
            logAppendTimeMs: milliseconds.since(2).or(-1),
            logStartOffset: int64.since(5).or(-1n),
            recordErrors: array(struct({ batchIndex: int32, batchIndexErrorMessage: nullableString.or(null) }))
              .since(8)
              .or([]),
            errorMessage: nullableString.since(8).or(null),
            currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }).since(10).tagged(0),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32.since(1).or(0),
    nodeEndpoints: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString.or(null) }))
      .since(10)
      .tagged(0),
  },
});

const NO_ACKNOWLEDGEMENT = 0;

export const produce = handler(
  produceApi,
  ({ transactionalId, acks, topicData }, context) => {
    const responses = topicData.map((requested) => {
      const topic = requestedTopic(context.cluster, requested);
      const partitionResponses = requested.partitionData.map(({ index, records }) => {
        try {
          if (topic === undefined) throw new Refusal(missingTopicCode(requested), "there is no such topic");
          return storeBatch(context, topic, index, records, { acks, transactionalId });
        } catch (error) {
          return refusedBatch(error, topic, index);
        }
      });
      return { name: requested.name, topicId: requested.topicId, partitionResponses };
    });
    if (acks !== NO_ACKNOWLEDGEMENT) return { responses };
    // The only way to report an error to a client that wants no answer.
    const hasFailed = responses.some(({ partitionResponses }) => partitionResponses.some(({ errorCode }) => errorCode !== ErrorCode.none));
    if (hasFailed) context.hangUp();
    return null;
  },
  {
    topics: ({ topicData }, cluster) =>
      topicData.map((requested): TopicSubject => {
        return [requestedTopic(cluster, requested)?.name ?? requested.name, requested.partitionData.map(({ index }) => index)];
      }),
  },
);
