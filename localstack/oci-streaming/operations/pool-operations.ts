import { type Operation, NO_SUBJECT, jsonAnswer } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import { missingParameter } from "../server/service-error.ts";
import type { StreamPool } from "../streams/streams.ts";
import { listPage } from "./list-page.ts";
import { timeText } from "./stream-answers.ts";

const createStreamPool: Operation = {
  name: "CreateStreamPool",
  endpoint: "admin",
  method: "POST",
  path: "/20180418/streampools",
  subjectOf: () => NO_SUBJECT,
  carryOut: ({ service, body: bytes }) => {
    const body = JsonBody.parse(bytes);
    const [name, compartmentId] = [body.text("name"), body.text("compartmentId")];
    if (name === null || name === "") throw missingParameter("name");
    if (compartmentId === null) throw missingParameter("compartmentId");
    return jsonAnswer(poolDetails(service.streams.createPool(name, compartmentId), service.messagesEndpoint));
  },
};

const listStreamPools: Operation = {
  name: "ListStreamPools",
  endpoint: "admin",
  method: "GET",
  path: "/20180418/streampools",
  subjectOf: () => NO_SUBJECT,
  carryOut: (call) => {
    const compartmentId = call.query.get("compartmentId");
    if (compartmentId === null) throw missingParameter("compartmentId");
    const pools = [...call.service.streams.pools.values()].filter((pool) => pool.compartmentId === compartmentId);
    return listPage(call, pools, () => "ACTIVE", poolSummary);
  },
};

const getStreamPool: Operation = {
  name: "GetStreamPool",
  endpoint: "admin",
  method: "GET",
  path: "/20180418/streampools/{streamPoolId}",
  subjectOf: () => NO_SUBJECT,
  carryOut: ({ service, path: { streamPoolId } }) => jsonAnswer(poolDetails(service.streams.pool(streamPoolId!), service.messagesEndpoint)),
};

function poolDetails(pool: StreamPool, messagesEndpoint: string): Readonly<Record<string, unknown>> {
  const endpointFqdn = new URL(messagesEndpoint).host;
  const kafkaSettings = { bootstrapServers: null, autoCreateTopicsEnable: false, logRetentionHours: 24, numPartitions: 1 };
  const customEncryptionKey = { kmsKeyId: null, keyState: "NONE" };
  return { ...poolSummary(pool), lifecycleStateDetails: null, endpointFqdn, kafkaSettings, customEncryptionKey };
}

function poolSummary({ id, name, compartmentId, timeCreatedMs }: StreamPool): Readonly<Record<string, unknown>> {
  const timeCreated = timeText(timeCreatedMs);
  return { id, name, compartmentId, lifecycleState: "ACTIVE", timeCreated, isPrivate: false, freeformTags: {}, definedTags: {} };
}

export const poolOperations: readonly Operation[] = [createStreamPool, listStreamPools, getStreamPool];
