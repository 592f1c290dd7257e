import { heartbeatApi } from "../apis/heartbeat.ts";
import { ErrorCode } from "../error-code.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

export const heartbeat = handler(
  heartbeatApi,
  ({ groupId, memberId, groupInstanceId, generationId }, context) => {
    const refusal = groupRefusal(context, groupId);
    if (refusal !== ErrorCode.none) return { errorCode: refusal };
    const group = context.cluster.groups.get(groupId);
    return { errorCode: group?.heartbeat({ memberId, groupInstanceId }, generationId) ?? ErrorCode.unknownMemberId };
  },
  { member: ({ groupId, memberId }) => ({ groupId, memberId }) },
);
