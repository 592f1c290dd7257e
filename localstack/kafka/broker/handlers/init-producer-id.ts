import { initProducerIdApi } from "../apis/init-producer-id.ts";
import { ErrorCode } from "../error-code.ts";
import { handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

const NO_PRODUCER_ID = -1n;
const NO_EPOCH = -1;
/** Before this version, a producer that is fenced has an invalid epoch. */
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
