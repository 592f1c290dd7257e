import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, bytes, int16, int32, nullableString, string } from "../wire/types.ts";

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
