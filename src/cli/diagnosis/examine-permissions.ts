import type { ConnectionInspection } from "../../connection-inspection.ts";
import type { GuardedOperation, Permission } from "../../driver/permission.ts";
import { type Finding, attemptAll, doubtful, notTried, ok } from "./finding.ts";

const CHECKS: Readonly<Record<GuardedOperation, string>> = {
  send: "send",
  consume: "consume",
  createTopic: "create topic",
  updateTopic: "update topic",
  deleteTopic: "delete topic",
  resetGroup: "reset group",
  deleteGroup: "delete group",
};

const OF_A_GROUP: ReadonlySet<GuardedOperation> = new Set(["consume", "resetGroup", "deleteGroup"]);

/** How to try an operation where the provider does not report permissions. */
const TRIALS: Readonly<Partial<Record<GuardedOperation, string>>> = {
  send: "To try it, which stores a message: echo test | streamport produce --topic NAME --lines",
  consume: "To try it, which takes partitions from other members: streamport consume --topic NAME --group NEW-NAME --max 1",
};

/** Asks the provider which operations are permitted: trying them would leave something behind or disturb other clients. */
export async function examinePermissions(
  inspection: ConnectionInspection,
  topic: string,
  group: string | undefined,
): Promise<readonly Finding[]> {
  return attemptAll("permissions", async (signal) => {
    const permissions = await inspection.permissions(topic, group, signal);
    if (permissions === null) return NOT_REPORTED.map((permission) => finding(permission, true));
    return permissions.map((permission) => finding(permission, group !== undefined));
  });
}

const NOT_REPORTED: readonly Permission[] = [
  { operation: "send", isAllowed: null, lacking: [] },
  { operation: "consume", isAllowed: null, lacking: [] },
];

/** A missing permission may be intended: only the user knows what the connection is for. */
function finding({ operation, isAllowed, lacking }: Permission, isGroupNamed: boolean): Finding {
  const check = CHECKS[operation];
  const needs = lacking.join(" and ");
  if (isAllowed === true) return ok(check, "is permitted");
  if (isAllowed === false) {
    return doubtful(check, `is not permitted: ${needs} is missing`, `Where it is needed, ask for the permission: ${needs}.`);
  }
  if (!isGroupNamed && OF_A_GROUP.has(operation)) {
    return notTried(check, "no group was named", "--group NAME asks whether it is permitted.");
  }
  const detail =
    lacking.length === 0 ? "the provider does not report whether it is permitted" : `the provider does not report it: needs ${needs}`;
  return notTried(check, detail, TRIALS[operation] ?? null);
}
