import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { int16, int32, int64, nullableString } from "../wire/types.ts";
import { handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

export const initProducerIdApi = defineApi({
  name: "InitProducerId",
  key: 22,
  versions: [0, 5],
  flexibleFrom: 2,
  request: {
    transactionalId: nullableString,
    transactionTimeoutMs: int32,
    producerId: int64.since(3).or(-1n),
    producerEpoch: int16.since(3).or(-1),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    errorCode: int16,
    producerId: int64.or(-1n),
    producerEpoch: int16.or(-1),
  },
});

const NO_PRODUCER_ID = -1n;
const NO_EPOCH = -1;
/** The first version with PRODUCER_FENCED. Before, the code of a fenced producer is INVALID_PRODUCER_EPOCH. */
const FIRST_WITH_FENCED = 4;

export const initProducerId = handler(initProducerIdApi, (request, context) => {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request;
  const refusal = transactionalId === null ? ErrorCode.none : transactionRefusal(context, transactionalId);
  if (refusal !== ErrorCode.none) return { errorCode: refusal };
  if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_EPOCH)) return { errorCode: ErrorCode.invalidRequest };
  try {
    const { transactions } = context.cluster;
    return { errorCode: ErrorCode.none, ...transactions.initialize(transactionalId, transactionTimeoutMs, { producerId, producerEpoch }) };
  } catch (error) {
    return { errorCode: refusalOf(error, context.version >= FIRST_WITH_FENCED) };
  }
});
