import { ErrorCode } from "../error-code.ts";
import { type AnswerOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, bytes, int16, int32, nullableString, string } from "../wire/types.ts";
import { authorizedOperations } from "./authorized-operations.ts";
import { groupRefusal } from "./group-refusal.ts";
import { type RequestContext, handler } from "./handler.ts";

export const describeGroupsApi = defineApi({
  name: "DescribeGroups",
  key: 15,
  versions: [0, 6],
  flexibleFrom: 5,
  request: {
    groups: array(string),
    includeAuthorizedOperations: boolean.since(3),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    groups: array(
      struct({
        errorCode: int16,
        errorMessage: nullableString.since(6).or(null),
        groupId: string,
        groupState: string,
        protocolType: string,
        protocolData: string,
        members: array(
          struct({
            memberId: string,
            groupInstanceId: nullableString.since(4),
            clientId: string,
            clientHost: string,
            memberMetadata: bytes,
            memberAssignment: bytes,
          }),
        ),
        authorizedOperations: int32.since(3).or(-2_147_483_648),
      }),
    ),
  },
});

/** From this version on, a group that does not exist is an error. Before, its state is "Dead". */
const FIRST_WITH_NOT_FOUND = 6;

type Described = AnswerOf<typeof describeGroupsApi>["groups"][number];

export const describeGroups = handler(describeGroupsApi, ({ groups, includeAuthorizedOperations }, context) => ({
  groups: groups.map((groupId) => {
    const described = describe(groupId, context);
    const isReported = includeAuthorizedOperations && described.errorCode === ErrorCode.none;
    return { ...described, authorizedOperations: authorizedOperations("group", isReported) };
  }),
}));

function describe(groupId: string, context: RequestContext): Described {
  const nothing = { groupId, groupState: "", protocolType: "", protocolData: "", members: [] };
  const refusal = groupRefusal(context, groupId);
  if (refusal !== ErrorCode.none) return { ...nothing, errorCode: refusal };
  const group = context.cluster.groups.get(groupId);
  if (group === undefined) {
    const isError = context.version >= FIRST_WITH_NOT_FOUND;
    const errorMessage = isError ? `Group ${groupId} not found.` : null;
    return { ...nothing, errorCode: isError ? ErrorCode.groupIdNotFound : ErrorCode.none, errorMessage, groupState: "Dead" };
  }
  const isStable = group.state === "Stable";
  return {
    errorCode: ErrorCode.none,
    groupId,
    groupState: group.state,
    protocolType: group.roster.protocolType ?? "",
    // During a rebalance no member has an assignment.
    protocolData: isStable ? (group.protocolName ?? "") : "",
    members: group.roster.all.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.details.groupInstanceId,
      clientId: member.details.clientId,
      clientHost: member.details.clientHost,
      memberMetadata: member.metadataOf(isStable ? group.protocolName : null),
      memberAssignment: member.assignment,
    })),
  };
}
