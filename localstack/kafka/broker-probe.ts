import { type WireReader, wireInt32, wireRequest, wireString } from "./wire-request.ts";

const METADATA = 3;
const FIND_COORDINATOR = 10;
const DESCRIBE_GROUPS = 15;
const GROUP_COORDINATOR_TYPE = Buffer.from([0]);
const PROBE_GROUP = "streamport-local-kafka-probe";
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Asks what a client of a group would need: brokers that know each other, and a coordinator that has loaded its groups. An open port
 * says little: a broker accepts connections before its coordinator exists. The first question creates the topic of the offsets.
 * @returns what is still missing, or null
 */
export async function probeBroker(port: number, nodeIds: readonly number[]): Promise<string | null> {
  const known = await knownBrokers(port);
  const absent = nodeIds.filter((nodeId) => !known.includes(nodeId));
  if (absent.length > 0) return `the broker at port ${port} does not know of broker ${absent.join(", ")} yet`;
  const coordinator = await findCoordinator(port);
  if (coordinator.errorCode !== 0) return `the group coordinator is not available yet (error code ${coordinator.errorCode})`;
  const errorCode = await describeGroup(coordinator.port);
  return errorCode === 0 ? null : `the group coordinator at port ${coordinator.port} is not ready yet (error code ${errorCode})`;
}

async function ask(port: number, apiKey: number, apiVersion: number, body: Buffer): Promise<WireReader> {
  return wireRequest({ port, apiKey, apiVersion, body, timeoutMs: PROBE_TIMEOUT_MS });
}

/** Metadata version 1 of no topic. */
async function knownBrokers(port: number): Promise<readonly number[]> {
  const answer = await ask(port, METADATA, 1, wireInt32(0));
  return Array.from({ length: answer.int32() }, () => {
    const nodeId = answer.int32();
    answer.string();
    answer.int32();
    answer.string();
    return nodeId;
  });
}

async function findCoordinator(port: number): Promise<{ readonly errorCode: number; readonly port: number }> {
  const answer = await ask(port, FIND_COORDINATOR, 1, Buffer.concat([wireString(PROBE_GROUP), GROUP_COORDINATOR_TYPE]));
  answer.int32();
  const errorCode = answer.int16();
  answer.string();
  answer.int32();
  answer.string();
  return { errorCode, port: answer.int32() };
}

/** Of a group that does not exist, which is no error in version 0. */
async function describeGroup(port: number): Promise<number> {
  const answer = await ask(port, DESCRIBE_GROUPS, 0, Buffer.concat([wireInt32(1), wireString(PROBE_GROUP)]));
  answer.int32();
  return answer.int16();
}
