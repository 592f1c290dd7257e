import { ErrorCode } from "./broker/error-code.ts";
import { describeGroupsApi } from "./broker/requests/describe-groups.ts";
import { findCoordinatorApi } from "./broker/requests/find-coordinator.ts";
import { metadataApi } from "./broker/requests/metadata.ts";
import { wireRequest } from "./wire-request.ts";

const GROUP_COORDINATOR_TYPE = 0;
const PROBE_GROUP = "streamport-local-kafka-probe";
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Checks what a client of a group needs: brokers that know each other, and a coordinator that has loaded its groups. An open port is
 * not enough, because a broker accepts connections before its coordinator exists. The first probe creates the topic of the offsets.
 * @returns what is still missing, or null
 */
export async function probeBroker(port: number, nodeIds: readonly number[]): Promise<string | null> {
  const known = await knownBrokers(port);
  const absent = nodeIds.filter((nodeId) => !known.includes(nodeId));
  if (absent.length > 0) return `the broker at port ${port} does not know of broker ${absent.join(", ")} yet`;
  const coordinator = await findCoordinator(port);
  if (coordinator.errorCode !== ErrorCode.none) {
    return `the group coordinator is not available yet (error code ${coordinator.errorCode})`;
  }
  const errorCode = await describeGroup(coordinator.port);
  if (errorCode === ErrorCode.none) return null;
  return `the group coordinator at port ${coordinator.port} is not ready yet (error code ${errorCode})`;
}

async function knownBrokers(port: number): Promise<readonly number[]> {
  // From version 1 on, an empty list means no topic.
  const request = { topics: [], includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };
  const { brokers } = await wireRequest({ port, api: metadataApi, version: 1, request, timeoutMs: PROBE_TIMEOUT_MS });
  return brokers.map(({ nodeId }) => nodeId);
}

async function findCoordinator(port: number): Promise<{ readonly errorCode: number; readonly port: number }> {
  const request = { key: PROBE_GROUP, keyType: GROUP_COORDINATOR_TYPE, coordinatorKeys: [] };
  return wireRequest({ port, api: findCoordinatorApi, version: 1, request, timeoutMs: PROBE_TIMEOUT_MS });
}

async function describeGroup(port: number): Promise<number> {
  // The group does not exist, which is no error in version 0.
  const request = { groups: [PROBE_GROUP], includeAuthorizedOperations: false };
  const { groups } = await wireRequest({ port, api: describeGroupsApi, version: 0, request, timeoutMs: PROBE_TIMEOUT_MS });
  const [group] = groups;
  if (group === undefined) throw new Error(`the group coordinator at port ${port} answered without the group`);
  return group.errorCode;
}
