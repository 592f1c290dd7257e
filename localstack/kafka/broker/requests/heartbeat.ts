import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { int16, int32, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

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
