import { listGroupsApi } from "../apis/list-groups.ts";
import { ErrorCode } from "../error-code.ts";
import { handler } from "./handler.ts";

const CLASSIC = "classic";

/** Each broker tells of the groups that it looks after. */
export const listGroups = handler(listGroupsApi, ({ statesFilter, typesFilter }, { cluster, node, troubles }) => {
  const errorCode = troubles.refusalOf(ErrorCode.clusterAuthorizationFailed);
  if (errorCode !== ErrorCode.none) return { errorCode, groups: [] };
  const has = (filter: readonly string[], value: string): boolean =>
    filter.length === 0 || filter.some((one) => one.toLowerCase() === value.toLowerCase());
  const groups = cluster.groups.all
    .filter(({ groupId, state }) => cluster.coordinatorOf(groupId) === node && has(statesFilter, state) && has(typesFilter, CLASSIC))
    .map(({ groupId, roster, state }) => ({ groupId, protocolType: roster.protocolType ?? "", groupState: state, groupType: CLASSIC }));
  return { errorCode, groups };
});
