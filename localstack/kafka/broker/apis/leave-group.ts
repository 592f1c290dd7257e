import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, nullableString, string } from "../wire/types.ts";

export const leaveGroupApi = defineApi({
  name: "LeaveGroup",
  key: 13,
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string,
    memberId: string.until(2),
    members: array(struct({ memberId: string, groupInstanceId: nullableString, reason: nullableString.since(5) })).since(3),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    errorCode: int16,
    members: array(struct({ memberId: string, groupInstanceId: nullableString, errorCode: int16 }))
      .since(3)
      .or([]),
  },
});
