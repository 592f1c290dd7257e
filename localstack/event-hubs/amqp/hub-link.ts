import type { Receiver, Sender } from "rhea";
import type { AmqpRefusal } from "../amqp-refusal.ts";
import { wholeError } from "./rhea-frames.ts";
import type { Claim } from "../auth/access-policies.ts";

/** A link that writes to a hub or reads from it. */
export interface HubLink {
  /** For its authorization: the path of what it is attached to, in lower case. */
  readonly entity: string;
  readonly claim: Claim;
  /** Ends the link with this error. */
  detach(refusal: AmqpRefusal): void;
  /** The link has ended, whoever ended it. */
  ended(): void;
}

/** Ends a link of rhea with an error. */
export function endLink(link: Sender | Receiver, { condition, message }: AmqpRefusal): void {
  link.close(wholeError(condition, message));
}
