import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, bytes, int16, int32, nullableString, string } from "../wire/types.ts";

export const joinGroupApi = defineApi({
  name: "JoinGroup",
  key: 11,
  versions: [0, 9],
  flexibleFrom: 6,
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32.since(1).or(-1),
    memberId: string,
    groupInstanceId: nullableString.since(5),
    protocolType: string,
    protocols: array(struct({ name: string, metadata: bytes })),
    reason: nullableString.since(8),
  },
  answer: {
    throttleTimeMs: int32.since(2).or(0),
    errorCode: int16,
    generationId: int32,
    protocolType: nullableString.since(7),
    protocolName: nullableString,
    leader: string,
    skipAssignment: boolean.since(9).or(false),
    memberId: string,
    members: array(struct({ memberId: string, groupInstanceId: nullableString.since(5), metadata: bytes })),
  },
});
