/**
 * The fault vocabulary, shared by the memory provider and all emulators, so that a conformance case can ask any of them
 * for the same fault. Which calls a fault applies to: see each kind.
 *
 * - `throttle`: a publish call is refused for load; nothing of it is stored.
 * - `fail-entry`: one message of a publish call fails for good, as invalid; the provider stores none of its lane's slice, or nothing of
 *   the call where the service refuses whole calls.
 * - `fail-before-write`: a publish call fails, retryable, before anything is stored.
 * - `fail-after-write`: a publish call is stored and its answer is lost (outcome unknown); with `operation: "admin"` a change by the
 *   administration is carried out and its answer is lost.
 * - `disconnect`: the connection of the next call of any kind (publish, fetch, commit, administration) breaks before it is carried out.
 * - `stall`: a publish or fetch call takes `durationMs` longer.
 * - `expire-cursor`: where a consumer or reader stands is forgotten by the service and has to be requested again.
 * - `steal-partition`: a partition is taken from its owner without notice, as after a freeze: the group gives it to another member, or
 *   to the same one anew. Leases: another owner and the next epoch are written behind the owner's back. A receiver with an epoch
 *   (Event Hubs): another one with a higher epoch attaches. Leases of records (Pub/Sub): those of one member run out at once, and
 *   the records go to other members, or to the same one if there is no other. That member need not learn of it: then its handlers go
 *   on, nothing is reported as lost, and a record that comes to it again joins the one that is outstanding.
 * - `lose-coordinator`: every member of the group has to join again. Leases: every row loses its owner. Streams (Pub/Sub): every
 *   stream of the group ends with an error, and the leases of its records run out. A member may open its stream again and go on with
 *   what is outstanding, or report it as lost.
 * - `refuse-authorization`: a call of any kind is refused as not permitted.
 * - `restart`: the service goes away and comes back with what was stored; members have to join again.
 *
 * `steal-partition` and `lose-coordinator` count the calls by which members keep what they own: commits, and, as the provider has them,
 * heartbeats, renewals of leases, or fetches. `restart` counts calls of any kind. Without `after` and without `operation` an emulator may carry out these three at
 * once. `fail-entry` where a call is refused as a whole (Pub/Sub, Event Hubs): no message is named, and none is stored until the core has found it.
 */
export type FaultKind =
  | "throttle"
  | "fail-entry"
  | "fail-before-write"
  | "fail-after-write"
  | "disconnect"
  | "stall"
  | "expire-cursor"
  | "steal-partition"
  | "lose-coordinator"
  | "refuse-authorization"
  | "restart";

/** One planned fault. `topic` and `partition` narrow the calls that it counts and applies to. */
export interface Fault {
  kind: FaultKind;
  /** Skips this many matching calls first. @default 0 */
  after?: number | undefined;
  /** How many matching calls fail then. @default 1 */
  times?: number | undefined;
  /** Of `stall`. @default 1_000 */
  durationMs?: number | undefined;
  topic?: string | undefined;
  partition?: string | undefined;
  /** Only these calls are counted and hit: polls and renewals do not use a fault up that is meant for a commit. */
  operation?: "publish" | "fetch" | "commit" | "admin" | undefined;
}
