import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

export const deleteGroupsApi = defineApi({
  name: "DeleteGroups",
  key: 42,
  versions: [0, 2],
  flexibleFrom: 2,
  request: { groupsNames: array(string) },
  answer: {
    throttleTimeMs: int32.or(0),
    results: array(struct({ groupId: string, errorCode: int16 })),
  },
});

export const deleteGroups = handler(deleteGroupsApi, ({ groupsNames }, context) => ({
  results: groupsNames.map((groupId) => {
    const refusal = groupRefusal(context, groupId);
    return { groupId, errorCode: refusal === ErrorCode.none ? context.cluster.groups.delete(groupId) : refusal };
  }),
}));
