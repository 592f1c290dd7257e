import { randomBytes } from "node:crypto";
import { Code, Refusal } from "../refusal.ts";

/** The ids of the service are about this long: how many fit in a request depends on it. */
const PREFIX_LENGTH = 160;

/** Why an ack id of an exactly-once subscription failed: https://cloud.google.com/pubsub/docs/exactly-once-delivery. */
export const AckFailure = {
  /** Its deadline has passed, or the message was delivered again. */
  invalid: "PERMANENT_FAILURE_INVALID_ACK_ID",
  /** An earlier message of the ordering key is not acknowledged. */
  unordered: "TRANSIENT_FAILURE_UNORDERED_ACK_ID",
} as const;

/** The ack ids of one subscription. Each names a message and one of its deliveries. */
export class AckIds {
  readonly #prefix = randomBytes(PREFIX_LENGTH / 2).toString("hex");

  of(sequence: number, lease: number): string {
    return `${this.#prefix}${sequence.toString(36)}-${lease.toString(36)}`;
  }

  /** @throws `Refusal` (INVALID_ARGUMENT) for an id that this subscription has never given out */
  parse(ackId: string): { readonly sequence: number; readonly lease: number } {
    const [sequence, lease] = ackId.startsWith(this.#prefix) ? ackId.slice(PREFIX_LENGTH).split("-") : [];
    if (sequence === undefined || lease === undefined) {
      throw new Refusal(Code.invalidArgument, `You have passed an invalid ack ID to the service (ack_id=${ackId.slice(0, 40)}).`);
    }
    return { sequence: Number.parseInt(sequence, 36), lease: Number.parseInt(lease, 36) };
  }
}
