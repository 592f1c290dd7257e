/** A lease is renewed at least so often, unless an adapter asks for more. */
const LONGEST_RENEWAL_MS = 3_000;

/** The times of a member, in milliseconds. All follow from its session. */
export interface LeaseTimes {
  /** How long a confirmed write holds the lease. */
  readonly holdMs: number;
  /** The owner stops so much earlier, and others wait so much longer, because clocks do not run alike. */
  readonly marginMs: number;
  /** A lease is renewed so long after its last write. */
  readonly renewMs: number;
  /** How long an answer of the store is awaited. Then the outcome counts as unknown. */
  readonly requestMs: number;
  /** The longest time between two lists of all rows. */
  readonly listMs: number;
}

/** @param renewMs the longest time between two renewals */
export function leaseTimes(sessionTimeoutMs: number, renewMs = LONGEST_RENEWAL_MS): LeaseTimes {
  return {
    holdMs: sessionTimeoutMs,
    marginMs: sessionTimeoutMs / 10,
    renewMs: Math.min(sessionTimeoutMs / 3, renewMs),
    requestMs: sessionTimeoutMs / 4,
    listMs: sessionTimeoutMs / 2,
  };
}
