import { defineApi } from "../wire/api.ts";
import { int16, int32, int64, nullableString } from "../wire/types.ts";

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
