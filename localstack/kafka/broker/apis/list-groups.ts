import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";

export const listGroupsApi = defineApi({
  name: "ListGroups",
  key: 16,
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    statesFilter: array(string).since(4),
    typesFilter: array(string).since(5),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    errorCode: int16,
    groups: array(struct({ groupId: string, protocolType: string, groupState: string.since(4), groupType: string.since(5) })),
  },
});
