import type { StreamError } from "../errors.ts";
import type { DriverGap, Place, StartPoint } from "../position/place.ts";
import type { HandledAhead } from "../position/handled-ahead.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { StoredRecord, UnreadableRange } from "./record.ts";

/**
 * One ownership of one partition: a new object each time a member becomes the owner, also of a partition that it had
 * before. Everything that is said about a partition carries this object, so that nothing late can pass for current.
 */
export interface Assignment {
  readonly partition: string;
  readonly identity: TopicIdentity;
  /** Where delivery starts; `null` where the service does not report it (Pub/Sub). */
  readonly start: Place | null;
  /** Fencing token: a decimal integer that rises with every new owner of the partition in the group; `null` where there is none. */
  readonly epoch: string | null;
  /**
   * What the group has stored with `start`. The core gives what it names to no handler; it goes on storing it until it has been read.
   * `null`: nothing, or nothing that can be trusted: it was stored with another place, in another log (`Sink.forgetAhead`), or
   * in a form that this driver does not know. What does not keep the rules of `HandledAhead` the core ignores as a whole, with a warning. Always `null` without `capabilities.handledAhead`, and in the unit `record`.
   */
  readonly ahead: HandledAhead | null;
  /** `StartPoint.origin` of the last move of the group, where the driver has stored it. Absent or `null`: there is none. */
  readonly origin?: string | null | undefined;
  /**
   * The former ownership of this partition by the same member (an object that was passed to `assigned` of this sink), if what the
   * group has stored is exactly what that ownership has read or stored last: place, epoch, and a note that every reset
   * changes. So no other member has settled in between, and nobody has moved the group. Then what the core had handled under it and
   * could not store counts as handled, except from a `forgetAhead` on. `null`: there is none, or the driver cannot be certain. Asked in
   * `assigned`; a driver takes it back when this ownership is over, so that ownerships do not keep each other.
   */
  readonly resumes: Assignment | null;
  /**
   * May this member still count on the ownership? `false` when so much time has passed since the group last answered, or the lease was
   * renewed, that another member may own the partition: the process was stopped, or the network is cut. Synchronous, cheap (two times are
   * compared), never throws. The core asks before it starts handlers, once a turn of its scheduler, and starts none while the answer is `false`. The
   * driver asks before each settlement, and answers with a retryable error instead of sending it. After `false` the driver reports
   * `lost` as soon as it runs, unless the group says that the member still owns the partition: then `joined`. Absent: there is no
   * time after which the group gives a partition away.
   */
  isCurrent?(): boolean;
}

/** A shard that follows an ended one. */
export interface ChildPartition {
  readonly partition: string;
  /** All of them; the child starts when every one has been handled to its end. */
  readonly parents: readonly string[];
}

/**
 * What the driver pushes into; the core implements it. All methods may be called from any turn of the event loop, in the
 * order in which things happened. Calls for an assignment that is not current are ignored. Only `deliver`, `unreadable`,
 * `revoking` and `gap` make the driver wait.
 */
export interface Sink {
  /**
   * The group has given this member its share, which may be empty, and `assigned` has been called for all of it. Call it after joining,
   * also for a member that gets nothing because others have everything, and again after every `rejoining`. Partitions that others
   * release later follow by `assigned`. A second call is harmless. The core asks each `Assignment.isCurrent` again then.
   */
  joined(): void;
  /**
   * Contact with the group is lost (an unanswered heartbeat, a coordinator or a store of leases that cannot be asked), or the member
   * has to join again. It goes on with what it owns until `lost` or `revoking`; applications see the state `joining`, and know
   * that no member may be working. Call it as soon as the driver knows. A second call is harmless.
   */
  rejoining(): void;
  /** From now on this member owns the partition. An earlier ownership of it that has not been released is lost by this. */
  assigned(assignment: Assignment): void;
  /**
   * Records of one partition, in log order, none left out, none before those delivered earlier under this assignment.
   * Resolves when there is room for more; until then the driver delivers no more for this assignment, goes on with its
   * heartbeats and may prefetch a bounded amount. Resolves also when the assignment is lost. Never rejects.
   */
  deliver(assignment: Assignment, records: readonly StoredRecord[]): Promise<void>;
  /**
   * What comes next in the log cannot be read. The driver has fetched it once more before it calls this, because bytes can be
   * damaged on their way, and it goes on behind `range.last`: never `failed`, `ended` or `advanced` for this. It must not claim
   * more than is certain: where only the first position is known to be unreadable, the range ends there. Resolves as `deliver` does.
   *
   * The core treats it as one failing message (`corrupt`, without another attempt) whose key is not known. With an order, by key
   * or by partition, it waits until everything before it in the partition is handled, and nothing behind it starts before
   * it is settled: it may have been of any key. Then `onFailure` decides. Its dead letter has no key, no headers of its own and
   * an empty value. It counts as handled through `last`, which is its position in errors, failure headers and settlements:
   * a group that is reset to behind that position is behind all of it. In the unit `record` it is one record, and its
   * settlement names a record made by the core, of which only the position means anything.
   */
  unreadable(assignment: Assignment, range: UnreadableRange): Promise<void>;
  /** There is nothing to deliver up to and including this position: control records, compaction, filtered records. */
  advanced(assignment: Assignment, through: string): void;
  /**
   * From this position on the log is another one than `Assignment.ahead`, or the ownership in `Assignment.resumes`, knew: it was cut
   * and written anew (truncation). Nothing at or behind this position counts as handled because of them. Call it before the
   * records there are delivered; when in doubt, call it: then more comes again. If records behind it were delivered under this assignment,
   * the core stores nothing ahead until the prefix has passed them.
   */
  forgetAhead(assignment: Assignment, from: string): void;
  /** All that was stored when the last answer was made has been delivered. Call it whenever the end is reached, also for an empty partition. */
  caughtUp(assignment: Assignment): void;
  /**
   * Nothing will ever follow in this shard. When all of it is handled the core settles it with `ended: true`; only then may children start.
   * Once that settlement has succeeded the ownership is over for both sides: the driver drops it without `revoking` or `lost`, and the core
   * calls `onRevoked` by itself.
   */
  ended(assignment: Assignment, children: readonly ChildPartition[]): void;
  /**
   * The group wants the partition back; it is still ours. The core starts nothing more of it, finishes what runs, settles,
   * and resolves, at the latest when `deadlineMs` (milliseconds from now) have passed: the longest that the group lets it
   * wait, `sessionTimeoutMs` where the service names nothing shorter. The driver delivers no more of it, goes on with its
   * heartbeats, and releases the partition only then. Never rejects.
   *
   * Nothing that a handler had finished comes again behind this, so every hand-over that the driver decides itself begins with it:
   * also one to the same member, and one that only spreads leases anew while a topic grows or a member joins.
   */
  revoking(assignment: Assignment, deadlineMs: number): Promise<void>;
  /**
   * It is no longer ours, or was never released properly: nothing of it may be settled. What was handled since the last settlement
   * that succeeded comes again, also where the next owner is this member. So it is for what was taken without notice: another member
   * has it, or the lease has run out.
   */
  lost(assignment: Assignment): void;
  /**
   * The group's committed position is gone. Resolves when the application accepts the gap; then the driver goes on at
   * `resumesAt`, and the group's position follows with the first message settled behind it. Rejects with
   * `position-out-of-range`: the driver stops.
   */
  gap(assignment: Assignment, gap: DriverGap): Promise<void>;
  /** The member cannot go on (authorisation, a deleted topic…). What can be retried the driver retries itself, with back-off, and reports. */
  failed(error: StreamError): void;
}

/** How a member takes part. */
export interface ConsumerSettings {
  /** As the application calls it. */
  readonly group: string;
  /** The provider's own name, where the application gave one. */
  readonly nativeGroup: string | undefined;
  /**
   * For a group without a position. Resolved once for all partitions, before `assigned` is called for the first of them, and stored
   * before the first delivery: `latest` is not what the first fetch finds. A partition that
   * appears later in a group that has a position starts at its beginning. `fail`: `not-found` then, by `failed` or from `start`.
   */
  readonly initialPosition: StartPoint | "fail";
  /**
   * Silence after which a member's partitions go to others. A driver refuses a time that the provider cannot keep, from `start`, as
   * `invalid-argument` naming what is allowed: a shorter one than its store or its network can renew in time is better refused than
   * accepted, because it fails later, under load.
   */
  readonly sessionTimeoutMs: number;
  /** About how much to fetch at once. */
  readonly maxBufferedBytes: number;
  /** Is `Assignment.origin` used? A driver to which it costs a request leaves it out otherwise. @default false */
  readonly usesOrigin?: boolean | undefined;
}

/** What has been handled of one assignment. */
export interface Settlement {
  readonly assignment: Assignment;
  /** Unit `position`: everything up to and including here is handled. `null`: no change. */
  readonly through: string | null;
  /** Unit `record`: these are handled, in any order. Empty in the unit `position`. */
  readonly records: readonly StoredRecord[];
  /** The shard is handled to its end. */
  readonly ended: boolean;
  /**
   * Unit `position`: what is handled behind the place, all of it. It replaces what was stored before; `null`: nothing is. It may change
   * alone, with `through: null`: then it belongs to the place that was settled last under this assignment, or to its `start`. The driver
   * stores both in one step. It means the log that was known when `settle` was called: a driver that stores with it which log it means
   * (a leader epoch) takes that at the call, because other records may have been read at the same positions when the call ends. What does not fit it leaves out from the end, by a lower `upTo`; that is no error. `null` in the unit
   * `record` and without `capabilities.handledAhead`.
   */
  readonly ahead: HandledAhead | null;
}

/** One member of a group on one topic. Made by `ProviderDriver.consumer` without a network call. */
export interface ConsumerDriver {
  /**
   * What a settlement names. `position`: Kafka, Kinesis, Event Hubs, OCI Streaming. `record`: Pub/Sub.
   *
   * In the unit `record` each record has a lease of its own. The driver extends it from delivery until it is settled or released. A
   * record is outstanding in that time. If the service delivers an outstanding record again (its lease ran out, a stream was cut, the group was moved back), the driver does
   * not deliver it to the core a second time: the record takes the new lease, and its settlement is sent with that. The renewal of a stream is routine and no loss:
   * outstanding records stay outstanding, also when the leases of all of them have run out and other members have the records: results of both
   * members may count. Only the loss of the whole member is `lost`. No service says so by itself, and a member may always go on with what is
   * outstanding instead. So the suite demands it nowhere: its cases accept both.
   */
  readonly settlementUnit: "position" | "record";
  /**
   * An upper bound of the time and of the number of handled messages between two settlements, for a service that delivers
   * no more while too many results are missing (the flow control of Pub/Sub): the core settles at least so often, also where the
   * application wants progress to be stored less often. Does not change. Absent: only the application decides.
   */
  readonly settleWithin?: { readonly ms: number; readonly messages: number } | undefined;
  /**
   * Joins the group and pushes into `sink` until closed. Called once. Resolves when the member has joined (perhaps with no
   * partition yet; what it owns is complete at `joined`); polling, heartbeats and rejoining go on in the background.
   *
   * Who retries: the driver retries by itself, without end, what fails once it has begun to join, and reports each retry. It may also
   * reject with a retryable error (the topic or the service cannot be found yet): the core closes this object and starts a new one, with back-off, until the consumer is closed. An
   * error that is not retryable ends the consumer. `signal` ends the attempt to join, not what goes on behind it: that ends
   * with `close`, which may come while this is still pending.
   *
   * What this topic cannot do although the provider can (a start at a time on a topic without retention) is `unsupported` with `capability`, thrown
   * before anything is created: consumer drivers narrow the capabilities by this error, which reaches the application with its code,
   * capability, text and cause.
   */
  start(sink: Sink, signal: AbortSignal): Promise<void>;
  /**
   * Stores progress durably. The core calls it with current assignments only, never concurrently with itself. Answers one
   * result a settlement: `null`, or the error; `ownership-lost` where the group knows another owner; what failed with a retryable error is
   * part of the next settlement again. Positions never go back within an assignment. In the unit `record` the answer is `null` also where the results of single records
   * were refused: the service redelivers those.
   */
  settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]>;
  /**
   * Unit `record`: releases records for another delivery. The core calls it once at the end of an ownership, with all that is not handled;
   * not after `lost`, because then it holds none.
   * Absent in the unit `position`.
   */
  release?(assignment: Assignment, records: readonly StoredRecord[]): void;
  /** Leaves the group. The core has settled what it could; nothing is pushed afterwards. Never rejects. */
  close(): Promise<void>;
}
