import type { Lane } from "./lane.ts";
import type { Lease } from "./lease.ts";
import type { StoredMessage } from "./stored-message.ts";

/** A message in a subscription. */
export class Entry {
  readonly message: StoredMessage;
  /** The messages of its ordering key; `null`: it has no order. */
  readonly lane: Lane | null;
  lease: Lease | null = null;
  isAcked = false;
  /** Negative acknowledgements and missed deadlines. */
  failures = 0;
  /** The lease whose deadline passed last: it can still acknowledge the message, until this is delivered again. 0: none. */
  lateLease = 0;

  constructor(message: StoredMessage, lane: Lane | null) {
    this.message = message;
    this.lane = lane;
  }
}
