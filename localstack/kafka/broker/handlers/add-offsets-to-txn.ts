import { addOffsetsToTxnApi } from "../apis/add-offsets-to-txn.ts";
import { ErrorCode } from "../error-code.ts";
import { handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

const FIRST_WITH_FENCED = 2;

export const addOffsetsToTxn = handler(addOffsetsToTxnApi, ({ transactionalId, producerId, producerEpoch, groupId }, context) => {
  const refusal = transactionRefusal(context, transactionalId);
  if (refusal !== ErrorCode.none) return { errorCode: refusal };
  try {
    context.cluster.transactions.addGroup(transactionalId, { producerId, producerEpoch }, groupId);
    return { errorCode: ErrorCode.none };
  } catch (error) {
    return { errorCode: refusalOf(error, context.version >= FIRST_WITH_FENCED) };
  }
});
