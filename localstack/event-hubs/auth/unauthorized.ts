import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { Claim } from "./access-policies.ts";

/** What the service answers where a token does not permit something. */
export function unauthorized(claim: Claim, entity: string): AmqpRefusal {
  const text = `Unauthorized access. '${claim}' claim(s) are required to perform this operation. Resource: '${entity}'.`;
  return new AmqpRefusal(Condition.unauthorized, text);
}
