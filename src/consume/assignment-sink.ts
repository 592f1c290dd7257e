import { abortable } from "../abortable.ts";
import type { Decoding } from "../codec/decode-record.ts";
import { UnreadableRecord } from "../codec/unreadable-record.ts";
import { channels } from "../diagnostics/channels.ts";
import type { Assignment, ChildPartition, ConsumerDriver, Settlement, Sink } from "../driver/consumer-driver.ts";
import type { StoredRecord, UnreadableRange } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import { messageSource } from "../message.ts";
import { acceptGap } from "../position/accept-gap.ts";
import type { DriverGap } from "../position/place.ts";
import { ignoreRejection } from "../promise-like.ts";
import type { TopicContext } from "../topic-context.ts";
import { AssignmentState, type ProgressRules } from "./assignment-state.ts";
import { CommitScheduler } from "./commit-scheduler.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import type { ConsumerStatus } from "./consumer-types.ts";
import { Deadline } from "./deadline.ts";
import type { FailureActions } from "./failure-actions.ts";
import type { Handler } from "./handler-runner.ts";
import { type FinalProgress, isInLogOrder } from "./inherited-progress.ts";
import { MigratedMessages } from "./migrated-messages.ts";
import { oldestUnhandled } from "./oldest-unhandled.ts";
import { OwnershipCallbacks } from "./ownership-callbacks.ts";
import type { RecordHandler } from "./record-handler.ts";
import { WorkScheduler } from "./work-scheduler.ts";

interface MemberHooks {
  /** Aborts when the provider is not waited for any longer. */
  readonly life: AbortSignal;
  readonly fail: (error: unknown) => void;
}

const AT_ONCE = Promise.resolve();
/** The part of the time for a hand-over that handlers get. The rest is for storing progress and for `onRevoked`. */
const HANDLERS_SHARE = 0.7;

/** The core's side of the driver's pushes: keeps which partitions are owned, and passes each event to the part that it concerns. */
export class AssignmentSink<T> implements Sink {
  readonly #context: TopicContext;
  readonly #options: ResolvedConsumerOptions;
  readonly #driver: ConsumerDriver;
  readonly #hooks: MemberHooks;
  readonly #records: RecordHandler | null;
  readonly #states = new Map<Assignment, AssignmentState<T>>();
  readonly #scheduler: WorkScheduler<T>;
  readonly #commits: CommitScheduler<T>;
  readonly #callbacks: OwnershipCallbacks<T>;
  /** How far ownerships had come that are over. */
  readonly #finals = new WeakMap<Assignment, FinalProgress>();
  readonly #idleWaiters = new Set<() => void>();
  readonly #over = Promise.withResolvers<void>();
  #isJoined = false;

  constructor(
    context: TopicContext,
    decoding: Decoding<T>,
    options: ResolvedConsumerOptions,
    handler: Handler<T>,
    driver: ConsumerDriver,
    actions: FailureActions,
    hooks: MemberHooks,
  ) {
    this.#context = context;
    this.#options = options;
    this.#driver = driver;
    this.#hooks = hooks;
    this.#records = handler.kind === "records" ? handler.handler : null;
    this.#callbacks = new OwnershipCallbacks(options, hooks.fail, () => this.#scheduler.pump());
    this.#commits = new CommitScheduler(driver, context, options, {
      life: hooks.life,
      settled: (state, settlement, error) => this.#settled(state, settlement, error),
    });
    this.#scheduler = new WorkScheduler(context, decoding, options, handler, actions, {
      progressed: (state) => {
        this.#commits.handled(state);
        if (this.#records !== null) this.#reportCaughtUp(state);
        if (state.endReached && state.progress.allHandled) this.#commits.now();
      },
      changed: () => this.#changed(),
      fail: hooks.fail,
    });
  }

  joined(): void {
    this.#isJoined = true;
    // Ownerships of which the member could not be certain may be current again.
    this.#scheduler.pump();
  }

  rejoining(): void {
    this.#isJoined = false;
  }

  /** Has the group assigned this member its share, and is there contact with the group? */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  assigned(assignment: Assignment): void {
    if (this.#scheduler.stopped) return;
    const { provider, topic } = this.#context;
    const { partition, identity } = assignment;
    // A new ownership means that the former one is lost, reported or not: the signals of its handlers abort before anything starts.
    for (const former of this.#states.values()) if (former.source.partition === partition) this.#drop(former);
    const state = new AssignmentState<T>(assignment, messageSource({ provider, topic, partition, identity }), this.#rulesOf(assignment));
    this.#states.set(assignment, state);
    this.#scheduler.add(state);
    this.#publishOwnership("assign", state, false);
    this.#callbacks.assigned(state);
  }

  #rulesOf({ partition, ahead, origin, resumes }: Assignment): ProgressRules {
    const { driver, capabilities } = this.#context;
    const compare = (a: string, b: string): number => driver.compare(a, b);
    const unit = this.#driver.settlementUnit;
    const usesAhead = this.#options.commit.ahead && unit === "position";
    const isUsable = usesAhead && ahead !== null && isInLogOrder(ahead, compare);
    if (usesAhead && ahead !== null && !isUsable) this.#warnOfDisorder(partition);
    return {
      unit,
      usesAhead,
      stored: isUsable ? ahead : null,
      storesAhead: usesAhead && capabilities.handledAhead,
      migrated: this.#options.skipMigrated && unit === "position" ? MigratedMessages.of(origin) : null,
      resumed: resumes === null ? undefined : this.#finals.get(resumes),
      compare,
    };
  }

  #warnOfDisorder(partition: string): void {
    const { provider, topic } = this.#context;
    const text =
      `partition ${partition}: the exceptions of what is stored as handled ahead are not in log order, or lie behind its end. ` +
      "This is a defect of the adapter, or of what is stored. It is not used, so messages that were handled come again";
    channels.warning.publish({ provider, topic, text });
  }

  deliver(assignment: Assignment, records: readonly StoredRecord[]): Promise<void> {
    const state = this.#states.get(assignment);
    if (state === undefined) return this.#scheduler.stopped ? this.#over.promise : AT_ONCE;
    const { bufferedMessages, bufferedBytes } = state;
    state.add(records);
    const messages = state.bufferedMessages - bufferedMessages;
    // The prefix may have passed what was handled before.
    if (messages < records.length) this.#commits.touch(state);
    if (messages > 0 && channels.deliver.hasSubscribers) {
      const { provider, topic } = this.#context;
      const { partition } = assignment;
      const bytes = state.bufferedBytes - bufferedBytes;
      channels.deliver.publish({ provider, topic, group: this.#options.group, partition, messages, bytes });
    }
    this.#scheduler.pump();
    return this.#hasRoom(state) ? AT_ONCE : state.room();
  }

  unreadable(assignment: Assignment, range: UnreadableRange): Promise<void> {
    return this.deliver(assignment, [new UnreadableRecord(range)]);
  }

  advanced(assignment: Assignment, through: string): void {
    const state = this.#states.get(assignment);
    if (state === undefined) return;
    state.progress.advance(through);
    this.#commits.touch(state);
  }

  forgetAhead(assignment: Assignment, from: string): void {
    const state = this.#states.get(assignment);
    if (state === undefined) return;
    state.forgetAhead(from);
    this.#commits.touch(state);
  }

  caughtUp(assignment: Assignment): void {
    const state = this.#states.get(assignment);
    if (state === undefined) return;
    state.caughtUp();
    this.#reportCaughtUp(state);
  }

  /** A group never ends: only a handler of records, which may have to come to an end, waits for it. */
  #reportCaughtUp(state: AssignmentState<T>): void {
    if (this.#records?.caughtUp !== undefined && state.takeCaughtUp()) this.#records.caughtUp(state.source);
  }

  ended(assignment: Assignment, _children: readonly ChildPartition[]): void {
    const state = this.#states.get(assignment);
    if (state === undefined) return;
    state.end();
    this.#commits.touch(state);
    if (state.progress.allHandled) this.#commits.now();
    this.#scheduler.pump();
  }

  async revoking(assignment: Assignment, deadlineMs: number): Promise<void> {
    const state = this.#states.get(assignment);
    if (state === undefined) return;
    const handlerDeadline = new Deadline(deadlineMs * HANDLERS_SHARE);
    const limit = new Deadline(deadlineMs);
    await this.#handOver(
      [state],
      this.#lost(state, "the group gives the partition to another member"),
      handlerDeadline.signal,
      limit.signal,
    );
    handlerDeadline.clear();
    limit.clear();
  }

  lost(assignment: Assignment): void {
    const state = this.#states.get(assignment);
    if (state !== undefined) this.#drop(state);
  }

  async gap(assignment: Assignment, gap: DriverGap): Promise<void> {
    const state = this.#states.get(assignment);
    if (state === undefined) return;
    try {
      await acceptGap(this.#options, state.source, gap, this.#options.onGap);
    } catch (error) {
      this.#hooks.fail(error);
      throw error;
    }
  }

  failed(error: StreamError): void {
    this.#hooks.fail(error);
  }

  /** Nothing starts any more. Handlers that run may finish. */
  stop(): void {
    this.#scheduler.stop();
  }

  /** After `stop`: waits for handlers until `handlerDeadline`, stores progress until `limit`, releases all partitions. Never rejects. */
  async drain(handlerDeadline: AbortSignal, limit: AbortSignal): Promise<void> {
    const closed = new StreamError("closed", "the consumer is closed", { topic: this.#context.topic, operation: "consume" });
    await this.#handOver([...this.#states.values()], closed, handlerDeadline, limit);
    this.#commits.stop();
    this.#scheduler.end();
    this.#over.resolve();
  }

  async #handOver(states: AssignmentState<T>[], reason: StreamError, handlerDeadline: AbortSignal, limit: AbortSignal): Promise<void> {
    for (const state of states) state.seal();
    await this.#idle(states, handlerDeadline);
    for (const state of states) state.disown(reason);
    await this.#commits.flush(states, limit);
    const held = states.filter((state) => this.#states.has(state.assignment));
    for (const state of held) {
      this.#releaseUnhandled(state);
      this.#publishOwnership("revoke", state, false);
      this.#forget(state);
    }
    await ignoreRejection(abortable(this.#callbacks.revoked(held), limit));
  }

  #releaseUnhandled({ assignment, progress }: AssignmentState<T>): void {
    const unhandled = progress.unhandled();
    if (unhandled.length === 0) return;
    try {
      this.#driver.release?.(assignment, unhandled);
    } catch (error) {
      this.#hooks.fail(error);
    }
  }

  /** Resolves when no handler of these assignments runs, or the signal aborts. Never rejects. */
  async #idle(states: readonly AssignmentState<T>[], signal: AbortSignal): Promise<void> {
    const isIdle = (): boolean => states.every((state) => state.active === 0 || !state.owned);
    if (isIdle()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (isIdle()) resolve();
    };
    this.#idleWaiters.add(check);
    await ignoreRejection(abortable(promise, signal));
    this.#idleWaiters.delete(check);
  }

  #changed(): void {
    for (const check of this.#idleWaiters) check();
    for (const state of this.#states.values()) if (state.waitsForRoom && this.#hasRoom(state)) state.makeRoom();
  }

  #hasRoom(state: AssignmentState<T>): boolean {
    if (this.#scheduler.yielding || this.#scheduler.stopped) return false;
    if (state.bufferedMessages === 0) return true;
    let bytes = 0;
    for (const { bufferedBytes } of this.#states.values()) bytes += bufferedBytes;
    return bytes < this.#options.maxBufferedBytes;
  }

  #drop(state: AssignmentState<T>): void {
    state.disown(this.#lost(state, "the partition belongs to another member"));
    this.#publishOwnership("revoke", state, true);
    this.#forget(state);
    void this.#callbacks.revoked([state]);
  }

  #forget(state: AssignmentState<T>): void {
    state.release();
    this.#finals.set(state.assignment, state.final);
    this.#states.delete(state.assignment);
    this.#scheduler.remove(state);
    state.makeRoom();
    this.#changed();
  }

  #lost({ source: { provider, topic, partition } }: AssignmentState<T>, text: string): StreamError {
    return new StreamError("ownership-lost", text, { provider, topic, partition, operation: "consume" });
  }

  #settled(state: AssignmentState<T>, settlement: Settlement, error: StreamError | null): void {
    if (!state.owned) return;
    if (error?.code === "ownership-lost") this.#drop(state);
    else if (error !== null && !error.retryable) this.#hooks.fail(error);
    else if (error === null && settlement.ended) {
      this.#records?.ended?.(state.source);
      this.#publishOwnership("revoke", state, false);
      this.#forget(state);
      void this.#callbacks.revoked([state]);
    }
  }

  #publishOwnership(channel: "assign" | "revoke", { assignment }: AssignmentState<T>, lost: boolean): void {
    if (!channels[channel].hasSubscribers) return;
    const { provider, topic } = this.#context;
    const { partition, epoch } = assignment;
    channels[channel].publish({ provider, topic, group: this.#options.group, partition, epoch, lost });
  }

  set paused(paused: boolean) {
    this.#scheduler.paused = paused;
  }

  /** The partitions that this member owns now. */
  get partitions(): readonly string[] {
    return [...this.#states.keys()].map(({ partition }) => partition);
  }

  figures(): Omit<ConsumerStatus, "state"> {
    const states = [...this.#states.values()];
    const buffered = states.reduce((sum, { bufferedMessages }) => sum + bufferedMessages, 0);
    return { running: this.#scheduler.running, buffered, oldest: oldestUnhandled(states), lastCommit: this.#commits.lastCommit };
  }
}
