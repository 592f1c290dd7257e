import { endTxnApi } from "../apis/end-txn.ts";
import { ErrorCode } from "../error-code.ts";
import { handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

const FIRST_WITH_FENCED = 2;

export const endTxn = handler(endTxnApi, ({ transactionalId, producerId, producerEpoch, committed }, context) => {
  const refusal = transactionRefusal(context, transactionalId);
  if (refusal !== ErrorCode.none) return { errorCode: refusal };
  try {
    context.cluster.transactions.end(transactionalId, { producerId, producerEpoch }, committed);
    return { errorCode: ErrorCode.none };
  } catch (error) {
    return { errorCode: refusalOf(error, context.version >= FIRST_WITH_FENCED) };
  }
});
