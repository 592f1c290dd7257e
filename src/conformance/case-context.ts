import type { Admin } from "../admin/admin-types.ts";
import type { Capabilities, Capability } from "../capabilities.ts";
import type { Connection } from "../connection-types.ts";
import type { ConsumerOptions, MessageHandler } from "../consume/consumer-types.ts";
import type { Fault, FaultKind } from "../driver/fault.ts";
import { isStreamError } from "../errors.ts";
import type { TopicSettings } from "../topic-settings.ts";
import type { CaseDeadline } from "./case-deadline.ts";
import { EnvironmentMissing } from "./case-outcome.ts";
import { type CaseTopic, DEFAULT_TOPIC, sequencedTopic } from "./case-topic.ts";
import { History } from "./history/history.ts";
import type { Sequenced } from "./history/sequenced.ts";
import { Member } from "./member.ts";
import { CaseResources } from "./resources.ts";
import type { ConformanceTarget } from "./target.ts";

/** A handler waits for it, and the case decides when it opens. */
interface Latch {
  readonly opened: Promise<void>;
  readonly isOpen: boolean;
  open(): void;
}

/** Longer than any correct close takes. A close that hangs fails the case. */
const CLOSING_MS = 8_000;
const CLOSING_CALLS = 20;
/** For what is not finished after a case that passed. */
const DRAIN_MS = 2_000;
const DRAIN_CALLS = 8;
/** For the last attempt to delete topics and groups, after the deadline. */
const LAST_ATTEMPT_MS = 2_000;
const LAST_ATTEMPT_CALLS = 4;

/** The tools of one case. Everything that it opens is closed at the end of the case. */
export class CaseContext {
  /** The first connection; more by `connect`. */
  readonly connection: Connection;
  readonly deadline: CaseDeadline;
  readonly #target: ConformanceTarget;
  readonly #resources: CaseResources;
  readonly #connections: Connection[];
  readonly #latches: Latch[] = [];
  readonly #members: Pick<Member<unknown>, "unexpectedFailure">[] = [];

  private constructor(target: ConformanceTarget, connection: Connection, deadline: CaseDeadline) {
    this.#target = target;
    this.connection = connection;
    this.#connections = [connection];
    this.#resources = new CaseResources(target, connection, deadline);
    this.deadline = deadline;
  }

  static async open(target: ConformanceTarget, deadline: CaseDeadline): Promise<CaseContext> {
    return new CaseContext(target, await target.connect(), deadline);
  }

  get signal(): AbortSignal {
    return this.deadline.signal;
  }

  get capabilities(): Capabilities {
    return this.connection.capabilities;
  }

  get admin(): Admin<Capability> {
    return this.#resources.admin;
  }

  async connect(): Promise<Connection> {
    const connection = await this.#target.connect();
    this.#connections.push(connection);
    return connection;
  }

  /** A topic of this case alone. */
  async topic(settings: TopicSettings = DEFAULT_TOPIC): Promise<CaseTopic> {
    return this.deadline.within(this.#resources.topic(settings), "a topic to be created");
  }

  /**
   * A group of this case alone, without a position.
   * @param name used only where a group begins with its first member: it can be the name of a group on another topic
   */
  async group(topic: CaseTopic, name?: string): Promise<string> {
    return this.#resources.group(topic, name);
  }

  /** How many more groups `group` can return for a topic; infinite where groups begin with their first member. */
  groupsLeft(topic: CaseTopic): number {
    return this.#resources.groupsLeft(topic);
  }

  /**
   * A name that no topic has.
   * @throws EnvironmentMissing where the topics are lent and their user may not see whether other topics exist
   */
  async missingTopic(): Promise<string> {
    return this.#resources.missingTopic();
  }

  unusedName(): string {
    return this.#resources.unusedName();
  }

  history(): History {
    return new History(() => this.deadline.notify());
  }

  /** It opens at the end of the case at the latest, so that no handler waits for ever. */
  latch(): Latch {
    const latch = createLatch();
    this.#latches.push(latch);
    return latch;
  }

  /** Starts a member of a group on sequenced values, from the beginning of the case's messages. */
  member(topic: CaseTopic, options: ConsumerOptions, handler: MessageHandler<Sequenced>, connection = this.connection): Member<Sequenced> {
    const settings: ConsumerOptions = { initialPosition: topic.start, ...options };
    return this.watch(Member.start(this.deadline, sequencedTopic(connection, topic), settings, handler));
  }

  /** If this member fails and the case does not expect that, the next wait of the case fails. */
  watch<T>(member: Member<T>): Member<T> {
    this.#members.push(member);
    return member;
  }

  async until(condition: () => boolean, what: string | (() => string)): Promise<void> {
    await this.deadline.until(() => {
      for (const { unexpectedFailure } of this.#members) if (unexpectedFailure !== null) throw unexpectedFailure;
      return condition();
    }, what);
  }

  async within<T>(promise: PromiseLike<T>, what: string): Promise<T> {
    return this.deadline.within(promise, what);
  }

  /** A promise that is awaited later: if it rejects before that, it must not count as unhandled. */
  later<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => undefined);
    return promise;
  }

  /** The faults that the target can show. */
  get faultKinds(): readonly FaultKind[] {
    return this.#target.emulator?.faultKinds ?? [];
  }

  /** Resolves once the fault is planned. A case names its kinds in `faults`, so the runner has checked that the target can show them. */
  async inject(fault: Fault): Promise<void> {
    if (this.#target.emulator === undefined) throw new EnvironmentMissing(`fault ${fault.kind}`);
    try {
      await this.within(Promise.resolve(this.#target.emulator.inject(fault)), `the emulator to plan the fault ${fault.kind}`);
    } catch (error) {
      // A declared kind can be shown, but perhaps not for these calls alone.
      if (fault.operation === undefined || !isStreamError(error, "unsupported")) throw error;
      throw new EnvironmentMissing(`fault ${fault.kind} of operation ${fault.operation}`);
    }
  }

  /** Compacts the log of a topic. @throws EnvironmentMissing where the target cannot show compaction */
  compaction(): (topic: CaseTopic) => Promise<void> {
    const { emulator, compact } = this.#target;
    if (compact !== undefined) return async ({ name }) => this.within(compact(name), "the log to be compacted");
    if (emulator?.compact === undefined) throw new EnvironmentMissing("compaction");
    return async ({ name }) => emulator.compact?.(name);
  }

  /** Removes all that is stored in a topic, as retention does. `null` where the target cannot do it on demand. */
  expiry(): ((topic: CaseTopic) => Promise<void>) | null {
    const { emulator, expire } = this.#target;
    if (expire !== undefined) return async ({ name }) => this.within(expire(name), "retention to be applied");
    return emulator?.expire === undefined ? null : async ({ name }) => emulator.expire?.(name);
  }

  /**
   * Damages the record that was stored last in a partition.
   * @param times how many fetches return it damaged; absent: all of them
   * @throws EnvironmentMissing where the target cannot show damage
   */
  damage(times?: number): (topic: CaseTopic, partition: string) => Promise<void> {
    const { emulator, damage } = this.#target;
    if (damage !== undefined && times === undefined) {
      return async ({ name }, partition) => this.within(damage(name, partition), "the stored record to be damaged");
    }
    if (emulator?.damage === undefined) throw new EnvironmentMissing(times === undefined ? "damage" : "damage on the way");
    return async ({ name }, partition) => emulator.damage?.(name, partition, { times });
  }

  /**
   * Closes everything, and deletes the topics and groups of the case.
   * @returns the problem, if a close hangs after a case that passed; and what could not be deleted, with the reasons
   */
  async close(wentWell: boolean): Promise<{ readonly problem: string | null; readonly notCleanedUp: readonly string[] }> {
    for (const latch of this.#latches) latch.open();
    // A call that creates a topic must end before its connection closes: otherwise it is not known whether the topic exists.
    const closingMs = this.deadline.longEnough(CLOSING_MS, CLOSING_CALLS);
    const drainMs = this.deadline.longEnough(DRAIN_MS, DRAIN_CALLS);
    await Promise.race([this.#resources.settled(), delay(closingMs)]);
    const closing = Promise.all(this.#connections.map((connection) => connection.close({ timeoutMs: wentWell ? drainMs : 50 })));
    const closed = await Promise.race([closing.then(() => true), delay(wentWell ? closingMs : drainMs).then(() => false)]);
    const problem = closed || !wentWell ? null : `a connection had not closed ${closingMs} ms after the call of close`;
    // A failed deletion does not fail this case: cases of their own judge the deletion of topics and groups.
    const deadline = AbortSignal.timeout(closingMs);
    // Topics are deleted after their groups. If the groups took all the time, each topic still gets one attempt.
    const releasing = this.#resources.release(this.signal.aborted, deadline).catch(() => undefined);
    await Promise.race([releasing, delay(closingMs + this.deadline.longEnough(LAST_ATTEMPT_MS, LAST_ATTEMPT_CALLS))]);
    return { problem, notCleanedUp: this.#resources.notCleanedUp };
  }
}

function delay(durationMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, durationMs).unref();
  return promise;
}

function createLatch(): Latch {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOpen = false;
  return {
    opened: promise,
    get isOpen() {
      return isOpen;
    },
    open: () => {
      isOpen = true;
      resolve();
    },
  };
}
