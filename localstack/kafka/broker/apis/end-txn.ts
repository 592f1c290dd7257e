import { defineApi } from "../wire/api.ts";
import { boolean, int16, int32, int64, string } from "../wire/types.ts";

/** Version 5 belongs to the second kind of transactions, which is not served. */
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
