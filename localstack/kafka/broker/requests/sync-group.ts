import { ErrorCode } from "../error-code.ts";
import { NO_ASSIGNMENT } from "../groups/group-member.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, bytes, int16, int32, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

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
