import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, nullableArray, nullableString, string } from "../wire/types.ts";

export const createPartitionsApi = defineApi({
  name: "CreatePartitions",
  key: 37,
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: array(struct({ name: string, count: int32, assignments: nullableArray(struct({ brokerIds: array(int32) })) })),
    timeoutMs: int32,
    validateOnly: boolean,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    results: array(struct({ name: string, errorCode: int16, errorMessage: nullableString })),
  },
});
