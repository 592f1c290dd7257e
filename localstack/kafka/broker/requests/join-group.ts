import { ErrorCode } from "../error-code.ts";
import { type JoinAnswer, refusedJoin } from "../groups/group-member.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, bytes, int16, int32, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

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

/** From this version on, a new member first gets an id and joins with it. So a client that never returns does not stay in the group. */
const FIRST_WITH_REQUIRED_ID = 4;
const FIRST_WITH_NULLABLE_PROTOCOL = 7;

export const joinGroup = handler(
  joinGroupApi,
  (request, context) => {
    const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType } = request;
    const { version, clientId, clientHost } = context;
    const refusal = groupRefusal(context, groupId);
    if (refusal !== ErrorCode.none) return answer(refusedJoin(memberId, refusal), version);
    // A view would keep the whole request in memory.
    const protocols = request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }));
    const details = {
      groupInstanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      protocolType,
      protocols,
    };
    const mustKnowId = version >= FIRST_WITH_REQUIRED_ID && groupInstanceId === null;
    const joined = context.cluster.groups.join(groupId, memberId, details, mustKnowId);
    return joined instanceof Promise ? joined.then((value) => answer(value, version)) : answer(joined, version);
  },
  { member: ({ groupId, memberId }) => ({ groupId, memberId }) },
);

function answer(joined: JoinAnswer, version: number): JoinAnswer {
  if (joined.protocolName !== null || version >= FIRST_WITH_NULLABLE_PROTOCOL) return joined;
  return { ...joined, protocolName: "" };
}
