import { deleteGroupsApi } from "../apis/delete-groups.ts";
import { ErrorCode } from "../error-code.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

export const deleteGroups = handler(deleteGroupsApi, ({ groupsNames }, context) => ({
  results: groupsNames.map((groupId) => {
    const refusal = groupRefusal(context, groupId);
    return { groupId, errorCode: refusal === ErrorCode.none ? context.cluster.groups.delete(groupId) : refusal };
  }),
}));
