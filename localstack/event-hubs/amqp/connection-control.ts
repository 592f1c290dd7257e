import type { Claim } from "../auth/access-policies.ts";
import type { CallFaults } from "../faults/call-faults.ts";

/** What a link can do to the connection that it is part of. */
export interface ConnectionControl {
  /** Aborted when the connection has ended. */
  readonly signal: AbortSignal;
  /** Ends the connection in this way, without a word of AMQP. */
  disconnect(how: "close" | "reset" | "bad-frame"): void;
  /** Ends the connection, or the whole service, if the faults of a call say so. @returns whether it did */
  ends(faults: CallFaults): boolean;
  /** @throws AmqpRefusal if the faults of a call say that it is not permitted */
  refuseUnauthorized(faults: CallFaults, claim: Claim, entity: string): void;
  /** Whether more can be written now; `false`: `onWritable` is called later. */
  isWritable(): boolean;
}
