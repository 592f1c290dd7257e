import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";
import { handler } from "./handler.ts";

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

const CLASSIC = "classic";

/** Each broker lists the groups that it coordinates. */
export const listGroups = handler(listGroupsApi, ({ statesFilter, typesFilter }, { cluster, node, faults }) => {
  const errorCode = faults.refusalOf(ErrorCode.clusterAuthorizationFailed);
  if (errorCode !== ErrorCode.none) return { errorCode, groups: [] };
  const has = (filter: readonly string[], value: string): boolean =>
    filter.length === 0 || filter.some((one) => one.toLowerCase() === value.toLowerCase());
  const groups = cluster.groups.all
    .filter(({ groupId, state }) => cluster.coordinatorOf(groupId) === node && has(statesFilter, state) && has(typesFilter, CLASSIC))
    .map(({ groupId, roster, state }) => ({ groupId, protocolType: roster.protocolType ?? "", groupState: state, groupType: CLASSIC }));
  return { errorCode, groups };
});
