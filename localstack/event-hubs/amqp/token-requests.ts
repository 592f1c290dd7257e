import { TokenRefusal, grantOf } from "../auth/access-policies.ts";
import type { ConnectionGrants } from "../auth/connection-grants.ts";
import { Condition } from "../amqp-refusal.ts";
import type { Namespace } from "../namespace.ts";
import type { RequestMessage, ResponseMessage } from "./request-message.ts";

const ACCEPTED = 202;
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;

/** Answers a request to `$cbs`, by which a client shows a token for an audience: https://docs.oasis-open.org/amqp/amqp-cbs/v1.0/amqp-cbs-v1.0.html */
export function answerTokenRequest(namespace: Namespace, grants: ConnectionGrants, request: RequestMessage): ResponseMessage {
  const { policies } = namespace;
  const faults = namespace.faultsOf("PutToken", new Map());
  const refusal = faults.refusal("error", false);
  if (refusal !== null) return { statusCode: faults.statusOf(false)!, description: refusal.message, condition: refusal.condition };
  const { properties, value } = request;
  const [operation, type, audience] = ["operation", "type", "name"].map((name) => properties.get(name));
  if (operation !== "put-token" || type === undefined || audience === undefined || typeof value !== "string") {
    return {
      statusCode: BAD_REQUEST,
      description: "put-token needs an audience, the type of the token, and the token",
      condition: Condition.argument,
    };
  }
  try {
    grants.put(audience, grantOf(policies, value, type, audience, Date.now()));
    return { statusCode: ACCEPTED, description: "Accepted" };
  } catch (error) {
    if (!(error instanceof TokenRefusal)) throw error;
    return { statusCode: UNAUTHORIZED, description: error.message, condition: Condition.unauthorized };
  }
}
