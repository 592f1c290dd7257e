import { syncGroupApi } from "../apis/sync-group.ts";
import { ErrorCode } from "../error-code.ts";
import { NO_ASSIGNMENT } from "../groups/group-member.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

export const syncGroup = handler(
  syncGroupApi,
  ({ groupId, memberId, groupInstanceId, generationId, protocolType, protocolName, assignments }, context) => {
    const refusal = groupRefusal(context, groupId);
    if (refusal !== ErrorCode.none) return { errorCode: refusal, assignment: NO_ASSIGNMENT };
    const group = context.cluster.groups.get(groupId);
    if (group === undefined) return { errorCode: ErrorCode.unknownMemberId, assignment: NO_ASSIGNMENT };
    return group.sync({ memberId, groupInstanceId, generation: generationId, protocolType, protocolName, assignments });
  },
  { member: ({ groupId, memberId }) => ({ groupId, memberId }) },
);
