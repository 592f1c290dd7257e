import { defineApi } from "../wire/api.ts";
import { int16, int32, int64, string } from "../wire/types.ts";

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
