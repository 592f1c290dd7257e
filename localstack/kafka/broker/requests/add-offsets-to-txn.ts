import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { int16, int32, int64, string } from "../wire/types.ts";
import { handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

export const addOffsetsToTxnApi = defineApi({
  name: "AddOffsetsToTxn",
  key: 25,
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    groupId: string,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    errorCode: int16,
  },
});

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
