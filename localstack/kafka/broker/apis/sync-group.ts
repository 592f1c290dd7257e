import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, bytes, int16, int32, nullableString, string } from "../wire/types.ts";

export const syncGroupApi = defineApi({
  name: "SyncGroup",
  key: 14,
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: nullableString.since(3),
    protocolType: nullableString.since(5),
    protocolName: nullableString.since(5),
    assignments: array(struct({ memberId: string, assignment: bytes })),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    errorCode: int16,
    protocolType: nullableString.since(5).or(null),
    protocolName: nullableString.since(5).or(null),
    assignment: bytes,
  },
});
