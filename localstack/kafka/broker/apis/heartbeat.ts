import { defineApi } from "../wire/api.ts";
import { int16, int32, nullableString, string } from "../wire/types.ts";

export const heartbeatApi = defineApi({
  name: "Heartbeat",
  key: 12,
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: nullableString.since(3),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    errorCode: int16,
  },
});
