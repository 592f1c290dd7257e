import { clearTimeout, setTimeout } from "node:timers";
import type { Assignment, ConsumerDriver, Settlement } from "../driver/consumer-driver.ts";
import type { HandledAhead } from "../position/handled-ahead.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { StreamError } from "../errors.ts";
import type { FinalProgress } from "./inherited-progress.ts";
import type { ComparePositions } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";
import { InheritedProgress } from "./inherited-progress.ts";
import type { MigratedMessages } from "./migrated-messages.ts";
import { KeyLanes } from "./key-lanes.ts";
import { type Delivery, Progress } from "./progress.ts";
import type { Work } from "./work.ts";

/** The life of one ownership. It only goes forwards; a phase may be left out. */
const PHASES = ["waiting", "open", "sealed", "disowned", "released"] as const;

type Phase = (typeof PHASES)[number];

/** Nothing had been delivered. */
const AT_THE_START = "";

/** How an ownership stores its progress, and what it begins with. */
export interface ProgressRules {
  readonly unit: ConsumerDriver["settlementUnit"];
  /** Is what is handled ahead of the prefix used at all? */
  readonly usesAhead: boolean;
  /** What the group has stored ahead of its place, if it is used and can be trusted. */
  readonly stored: HandledAhead | null;
  /** Does the driver store it? */
  readonly storesAhead: boolean;
  /** What the group had handled before a migration, where that is to be left out. */
  readonly migrated: MigratedMessages | null;
  /** What a former ownership of the same member had handled, if this one resumes it. */
  readonly resumed: FinalProgress | undefined;
  readonly compare: ComparePositions;
}

/** Everything about one ownership of one partition. A later ownership of the same partition is another object. */
export class AssignmentState<T> {
  readonly assignment: Assignment;
  readonly source: MessageSource;
  readonly progress = new Progress();
  readonly lanes = new KeyLanes<T>();
  readonly #inbox: Delivery[] = [];
  /** Deliveries with messages that the scheduler has not looked at. */
  readonly inbox: readonly Delivery[] = this.#inbox;
  readonly #retries: Work<T>[] = [];
  readonly #works = new Set<Work<T>>();
  /** Work that has started and is neither handled nor dropped, back-off included. */
  readonly works: ReadonlySet<Work<T>> = this.#works;
  /** How many of these have a handler or a failure action that runs. */
  active = 0;
  /** Bytes and messages that are delivered and not handled. */
  bufferedBytes = 0;
  bufferedMessages = 0;
  /** Messages that are handled and not part of a settlement. */
  unsettledMessages = 0;
  #phase: Phase = "waiting";
  /** An unreadable range that was started: nothing behind it starts before it is settled. */
  #barrier: Delivery | null = null;
  /** The wait for a batch to fill. */
  #batchWait: NodeJS.Timeout | "over" | null = null;
  readonly #rules: ProgressRules;
  /** `null`: nothing that can still come was handled before. */
  #inherited: InheritedProgress | null;
  /** The log was cut before the end of what this ownership had read: until the prefix has passed this position, what is ahead of it is not stored. */
  #cutBefore: string | null = null;
  readonly #waitingForRoom: (() => void)[] = [];
  /** Unit `record`: handled, not settled, in the order of handling. */
  #handled: StoredRecord[] = [];
  #settledThrough: string | null = null;
  /** The last position that was delivered when everything stored had been. */
  #caughtUpAt: string | null = null;
  #end: "none" | "reached" | "settled" = "none";

  constructor(assignment: Assignment, source: MessageSource, rules: ProgressRules) {
    this.assignment = assignment;
    this.source = source;
    this.#rules = rules;
    const { stored, resumed, compare } = rules;
    this.#inherited = stored === null && resumed === undefined ? null : new InheritedProgress(stored, resumed, compare);
  }

  /** May messages start? Not before `onAssigned` has settled, and not after revocation has begun. */
  get open(): boolean {
    return this.#phase === "open";
  }

  /** Does the member still count on the ownership, as far as the driver knows? Nothing starts while it does not. */
  get mayStart(): boolean {
    return this.open && (this.assignment.isCurrent?.() ?? true);
  }

  /** Do results count? Never again once the partition is on its way to another owner. */
  get current(): boolean {
    return this.#phase !== "disowned" && this.#phase !== "released";
  }

  /** May progress be stored? Until this member has released the partition, or has lost it. */
  get owned(): boolean {
    return this.#phase !== "released";
  }

  /** Takes the records that are not handled yet. */
  add(records: readonly StoredRecord[]): void {
    if (records.length === 0) return;
    if (this.#inherited !== null || this.#rules.migrated !== null) this.#addUnhandled(records);
    else this.#add(records);
  }

  #add(records: readonly StoredRecord[]): void {
    let bytes = 0;
    for (const record of records) bytes += record.bytes;
    this.bufferedBytes += bytes;
    this.bufferedMessages += records.length;
    this.#inbox.push(this.progress.add(records));
  }

  /** What is handled already is passed over as if it were not stored. A delivery ends before it, so that the prefix can end behind it. */
  #addUnhandled(records: readonly StoredRecord[]): void {
    const inherited = this.#inherited;
    const { migrated } = this.#rules;
    let from = 0;
    for (const [index, record] of records.entries()) {
      if (inherited?.isHandled(record) !== true && migrated?.isHandled(record) !== true) continue;
      if (index > from) this.#add(records.slice(from, index));
      this.progress.skip(record.position);
      from = index + 1;
    }
    if (from < records.length) this.#add(from === 0 ? records : records.slice(from));
    if (inherited?.isOver(this.progress.read) === true) this.#inherited = null;
  }

  /** Nothing from this position on counts as handled because of what others, or a former ownership, have stored or known. */
  forgetAhead(from: string): void {
    const { read } = this.progress;
    this.#inherited?.forget(from);
    if (read !== null && this.#rules.compare(read, from) >= 0) this.#cutBefore = read;
    this.progress.changeAhead();
  }

  /** The scheduler has looked at every message of the first delivery. */
  dropFirstDelivery(): void {
    this.#inbox.shift();
  }

  /** This message is handled. */
  complete(delivery: Delivery, index: number): void {
    const record = delivery.records[index]!;
    this.bufferedBytes -= record.bytes;
    this.bufferedMessages -= 1;
    this.unsettledMessages += 1;
    this.progress.complete(delivery, index);
    if (this.#rules.unit === "record") this.#handled.push(record);
  }

  /** All that is stored has been delivered. Of several such moments the first that is not handled yet counts. */
  caughtUp(): void {
    this.#caughtUpAt ??= this.progress.read ?? AT_THE_START;
  }

  /** Whether all that was delivered at such a moment is handled. Each is answered once. */
  takeCaughtUp(): boolean {
    if (this.#caughtUpAt === null || !this.#isHandledTo(this.#caughtUpAt)) return false;
    this.#caughtUpAt = null;
    return true;
  }

  #isHandledTo(position: string): boolean {
    const { progress } = this;
    if (position === AT_THE_START || progress.allHandled) return true;
    // Without an order of positions nothing but the handling of everything is certain.
    return this.#rules.unit === "position" && progress.through !== null && this.#rules.compare(progress.through, position) >= 0;
  }

  /** The shard has ended: nothing will follow. */
  end(): void {
    if (this.#end === "none") this.#end = "reached";
  }

  get endReached(): boolean {
    return this.#end !== "none";
  }

  /** The shard is handled to its end, and that is stored. */
  get endSettled(): boolean {
    return this.#end === "settled";
  }

  /** Takes what is handled and not yet settled; `null`: nothing. The caller reports the result by `settled`. */
  takeSettlement(): Settlement | null {
    this.unsettledMessages = 0;
    const { unit, storesAhead } = this.#rules;
    const records = this.#handled;
    const through = unit === "position" ? this.progress.through : null;
    const hasMoved = through !== this.#settledThrough;
    const ended = this.#end === "reached" && this.progress.allHandled;
    if (!hasMoved && records.length === 0 && !ended && !(storesAhead && this.progress.aheadChanged)) return null;
    this.#handled = [];
    this.progress.aheadTaken();
    const ahead = storesAhead && !ended ? this.#ahead(this.#inherited?.storedBehind(this.progress.read) ?? null) : null;
    return { assignment: this.assignment, through: hasMoved ? through : null, records, ended, ahead };
  }

  settled(settlement: Settlement, error: StreamError | null): void {
    if (error !== null) {
      this.#handled = [...settlement.records, ...this.#handled];
      this.progress.changeAhead();
    } else {
      if (settlement.through !== null) this.#settledThrough = settlement.through;
      if (settlement.ended) this.#end = "settled";
    }
  }

  /** How far it has come, for a later ownership that resumes it. */
  get final(): FinalProgress {
    const { progress } = this;
    const ahead = this.#rules.usesAhead ? this.#ahead(this.#inherited?.handledBehind(progress.read) ?? null) : null;
    return { through: progress.through, ahead };
  }

  #ahead(unread: HandledAhead | null): HandledAhead | null {
    const { through } = this.progress;
    if (this.#cutBefore !== null && (through === null || this.#rules.compare(through, this.#cutBefore) < 0)) return null;
    this.#cutBefore = null;
    return this.progress.ahead(unread);
  }

  /** Resolves at the next `makeRoom`. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  get waitsForRoom(): boolean {
    return this.#waitingForRoom.length > 0;
  }

  makeRoom(): void {
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  /** A handler or a failure action of this work runs now. */
  workStarted(work: Work<T>): void {
    this.active += 1;
    this.#works.add(work);
  }

  /** A handler or a failure action has ended. Whether its work is over is said by other methods. */
  workPaused(): void {
    this.active -= 1;
  }

  /** These parts of it are retried each by itself. They hold its lanes. */
  workSplit(work: Work<T>, parts: readonly Work<T>[]): void {
    for (const part of parts) this.#works.add(part);
    this.workOver(work);
  }

  /** All of it is handled: what waits behind it may start. */
  workOver(work: Work<T>): void {
    this.#works.delete(work);
    for (const lane of work.lanes ?? []) if (lane.owner === work) this.lanes.release(lane);
  }

  /** It gets no result and no other attempt. Its lanes stay held: its handler may still run. */
  workDropped(work: Work<T>): void {
    this.#works.delete(work);
  }

  /** This work gets another attempt as soon as there is a permit. */
  retry(work: Work<T>): void {
    this.#retries.push(work);
  }

  /** The next work that gets another attempt. */
  takeRetry(): Work<T> | undefined {
    return this.#retries.shift();
  }

  /** Nothing behind this unreadable range starts before it is settled. */
  holdBehind(delivery: Delivery): void {
    this.#barrier = delivery;
  }

  /** May something start, or does it wait behind an unreadable range? */
  passBarrier(): boolean {
    if (this.#barrier === null) return true;
    if (this.#barrier.prefix === 0) return false;
    this.#barrier = null;
    return true;
  }

  /** Gives the next batch so many milliseconds to fill, unless it has them already; `done` is called when they are over. */
  waitToFill(ms: number, done: () => void): void {
    this.#batchWait ??= setTimeout(() => {
      this.#batchWait = "over";
      done();
    }, ms);
  }

  /** Is the time over that the next batch had to fill? */
  get waitedToFill(): boolean {
    return this.#batchWait === "over";
  }

  /** The next batch does not wait any longer. */
  filled(): void {
    if (typeof this.#batchWait === "object" && this.#batchWait !== null) clearTimeout(this.#batchWait);
    this.#batchWait = null;
  }

  /** Messages may start, unless revocation has begun meanwhile. */
  start(): void {
    this.#advanceTo("open");
  }

  /** Nothing starts any more and every timer ends: what waits for another attempt stays unhandled. */
  seal(): void {
    this.#advanceTo("sealed");
    this.#retries.length = 0;
    this.filled();
    for (const work of this.#works) work.endBackOff();
  }

  /** Results do not count from now on. The signals of the handlers that still run abort with this reason. */
  disown(reason: StreamError): void {
    this.seal();
    this.#advanceTo("disowned");
    for (const work of this.#works) work.call?.abort(reason);
  }

  /** The partition belongs to this member no longer: nothing of it may be stored. */
  release(): void {
    this.seal();
    this.#advanceTo("released");
  }

  #advanceTo(phase: Phase): void {
    if (PHASES.indexOf(phase) > PHASES.indexOf(this.#phase)) this.#phase = phase;
  }
}
