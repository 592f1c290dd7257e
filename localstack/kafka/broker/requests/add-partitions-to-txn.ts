import { ErrorCode } from "../error-code.ts";
import { type RequestOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, string } from "../wire/types.ts";
import { type RequestContext, handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

/** From version 4 on, brokers send the request to each other. */
export const addPartitionsToTxnApi = defineApi({
  name: "AddPartitionsToTxn",
  key: 24,
  versions: [0, 3],
  flexibleFrom: 3,
  request: {
    v3AndBelowTransactionalId: string,
    v3AndBelowProducerId: int64,
    v3AndBelowProducerEpoch: int16,
    v3AndBelowTopics: array(struct({ name: string, partitions: array(int32) })),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    resultsByTopicV3AndBelow: array(
      struct({ name: string, resultsByPartition: array(struct({ partitionIndex: int32, partitionErrorCode: int16 })) }),
    ),
  },
});

const FIRST_WITH_FENCED = 2;

type Requested = RequestOf<typeof addPartitionsToTxnApi>;

export const addPartitionsToTxn = handler(
  addPartitionsToTxnApi,
  (request, context) => {
    const { cluster } = context;
    const exists = (name: string, index: number): boolean => cluster.topics.get(name)?.partitions[index] !== undefined;
    const areAllThere = request.v3AndBelowTopics.every(({ name, partitions }) => partitions.every((index) => exists(name, index)));
    const errorCode = areAllThere ? add(request, context) : ErrorCode.operationNotAttempted;
    return {
      resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: exists(name, partitionIndex) ? errorCode : ErrorCode.unknownTopicOrPartition,
        })),
      })),
    };
  },
  { topics: ({ v3AndBelowTopics }) => v3AndBelowTopics.map(({ name, partitions }) => [name, partitions]) },
);

/** @returns an error code */
function add(request: Requested, context: RequestContext): number {
  const { v3AndBelowTransactionalId: transactionalId, v3AndBelowTopics } = request;
  const refusal = transactionRefusal(context, transactionalId);
  if (refusal !== ErrorCode.none) return refusal;
  const partitions = v3AndBelowTopics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ topic: name, partition })));
  const producer = { producerId: request.v3AndBelowProducerId, producerEpoch: request.v3AndBelowProducerEpoch };
  try {
    context.cluster.transactions.addPartitions(transactionalId, producer, partitions);
    return ErrorCode.none;
  } catch (error) {
    return refusalOf(error, context.version >= FIRST_WITH_FENCED);
  }
}
