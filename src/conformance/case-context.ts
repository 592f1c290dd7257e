import type { Admin } from "../admin/admin-types.ts";
import type { Capabilities, Capability } from "../capabilities.ts";
import type { Connection } from "../connection-types.ts";
import type { ConsumerOptions, MessageHandler } from "../consume/consumer-types.ts";
import type { Fault } from "../driver/fault.ts";
import { isStreamError } from "../errors.ts";
import type { TopicSettings } from "../topic-settings.ts";
import { CaseDeadline } from "./case-deadline.ts";
import { EnvironmentMissing } from "./case-outcome.ts";
import { type CaseTopic, DEFAULT_TOPIC, sequencedTopic } from "./case-topic.ts";
import { History } from "./history/history.ts";
import type { Sequenced } from "./history/sequenced.ts";
import { Member } from "./member.ts";
import { CaseResources } from "./resources.ts";
import type { ConformanceTarget } from "./target.ts";

/** Something that a handler waits for and a case decides. */
interface Latch {
  readonly opened: Promise<void>;
  readonly isOpen: boolean;
  open(): void;
}

/** Longer than any sound close takes; a close that hangs is a failure of its own. */
const CLOSE_TIMEOUT_MS = 8_000;
/** Of giving back, when patience has ended. */
const LAST_ATTEMPT_MS = 2_000;

/** What a case works with. Everything it opens is closed when the case is over. */
export class CaseContext {
  /** The first connection; more by `connect`. */
  readonly connection: Connection;
  readonly signal: AbortSignal;
  readonly deadline: CaseDeadline;
  readonly #target: ConformanceTarget;
  readonly #resources: CaseResources;
  readonly #connections: Connection[];
  readonly #latches: Latch[] = [];
  readonly #members: Pick<Member<unknown>, "unexpectedFailure">[] = [];

  private constructor(target: ConformanceTarget, connection: Connection, signal: AbortSignal) {
    this.#target = target;
    this.connection = connection;
    this.#connections = [connection];
    this.#resources = new CaseResources(target, connection);
    this.signal = signal;
    this.deadline = new CaseDeadline(signal);
  }

  static async open(target: ConformanceTarget, signal: AbortSignal): Promise<CaseContext> {
    return new CaseContext(target, await target.connect(), signal);
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
   * @param name heeded where a group begins with its first member: the name of a group on another topic
   */
  async group(topic: CaseTopic, name?: string): Promise<string> {
    return this.#resources.group(topic, name);
  }

  /** How many more groups `group` can give for a topic; where they begin with their first member there is no end to them. */
  groupsLeft(topic: CaseTopic): number {
    return this.#resources.groupsLeft(topic);
  }

  /**
   * A name that no topic has.
   * @throws EnvironmentMissing where the topics are lent, and who may use them is not told whether there are others
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

  /** Opened at the end of the case at the latest, so that no handler waits on. */
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

  /** A failure of this member that the case did not ask for fails the case as soon as it waits for anything. */
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

  /** @throws EnvironmentMissing where nobody can show this fault */
  inject(fault: Fault): void {
    if (this.#target.emulator === undefined) throw new EnvironmentMissing(`fault ${fault.kind}`);
    try {
      this.#target.emulator.inject(fault);
    } catch (error) {
      if (isStreamError(error, "unsupported")) throw new EnvironmentMissing(`fault ${fault.kind}`);
      throw error;
    }
  }

  /** How the log of a topic is compacted. @throws EnvironmentMissing where nobody can show it */
  compaction(): (topic: CaseTopic) => Promise<void> {
    const { emulator, compact } = this.#target;
    if (compact !== undefined) return async ({ name }) => this.within(compact(name), "the log to be compacted");
    if (emulator?.compact === undefined) throw new EnvironmentMissing("compaction");
    return async ({ name }) => emulator.compact?.(name);
  }

  /**
   * How what was stored last in a partition is damaged.
   * @param times how often it is handed out so; absent: for good
   * @throws EnvironmentMissing where nobody can show it
   */
  damage(times?: number): (topic: CaseTopic, partition: string) => Promise<void> {
    const { emulator, damage } = this.#target;
    if (damage !== undefined && times === undefined) {
      return async ({ name }, partition) => this.within(damage(name, partition), "what is stored to be damaged");
    }
    if (emulator?.damage === undefined) throw new EnvironmentMissing(times === undefined ? "damage" : "damage on the way");
    return async ({ name }, partition) => emulator.damage?.(name, partition, { times });
  }

  /**
   * Closes everything and gives back topics and groups.
   * @returns what broke a promise on the way: a close that hangs after a case that went well; and what could not be given
   * back, with the reasons
   */
  async close(wentWell: boolean): Promise<{ readonly problem: string | null; readonly notCleanedUp: readonly string[] }> {
    for (const latch of this.#latches) latch.open();
    // Over a connection that closes meanwhile nobody would learn whether there is a topic to give back.
    await Promise.race([this.#resources.settled(), delay(CLOSE_TIMEOUT_MS)]);
    const closing = Promise.all(this.#connections.map((connection) => connection.close({ timeoutMs: wentWell ? 2_000 : 50 })));
    const closed = await Promise.race([closing.then(() => true), delay(wentWell ? CLOSE_TIMEOUT_MS : 2_000).then(() => false)]);
    const problem = closed || !wentWell ? null : `a connection had not closed ${CLOSE_TIMEOUT_MS} ms after it was told to`;
    // Housekeeping is not what the case judges: a target that will not give back a topic has said so in its own cases.
    const deadline = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
    // Topics come behind their groups: where those took all the patience there is, each topic still has its attempt.
    const releasing = this.#resources.release(this.signal.aborted, deadline).catch(() => undefined);
    await Promise.race([releasing, delay(CLOSE_TIMEOUT_MS + LAST_ATTEMPT_MS)]);
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
