import { leaveGroupApi } from "../apis/leave-group.ts";
import { ErrorCode } from "../error-code.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

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
