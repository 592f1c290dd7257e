import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { boolean, int16, int32, int64, string } from "../wire/types.ts";
import { handler } from "./handler.ts";
import { refusalOf, transactionRefusal } from "./transaction-refusal.ts";

/** Version 5 belongs to the second kind of transactions (KIP-890), which is not served. */
export const endTxnApi = defineApi({
  name: "EndTxn",
  key: 26,
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    committed: boolean,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    errorCode: int16,
  },
});

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
