import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

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

const FIRST_WITH_SEVERAL = 3;

export const leaveGroup = handler(
  leaveGroupApi,
  ({ groupId, memberId, members }, context) => {
    const refusal = groupRefusal(context, groupId);
    if (refusal !== ErrorCode.none) return { errorCode: refusal };
    const group = context.cluster.groups.get(groupId);
    const leave = (who: string, groupInstanceId: string | null): number =>
      group?.leave({ memberId: who, groupInstanceId }) ?? ErrorCode.unknownMemberId;
    if (context.version < FIRST_WITH_SEVERAL) return { errorCode: leave(memberId, null) };
    const left = members.map((one) => ({
      memberId: one.memberId,
      groupInstanceId: one.groupInstanceId,
      errorCode: leave(one.memberId, one.groupInstanceId),
    }));
    return { errorCode: ErrorCode.none, members: left };
  },
  { member: ({ groupId, memberId, members }) => ({ groupId, memberId: members[0]?.memberId ?? memberId }) },
);
