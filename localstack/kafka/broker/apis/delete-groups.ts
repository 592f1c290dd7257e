import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";

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
