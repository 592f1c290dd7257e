import { performance } from "node:perf_hooks";
import type { Report } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { type GroupMember, type JoinGroupRequest, type JoinedGroup, type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { RetryBackoff } from "../client/retry-backoff.ts";
import { abortable, pause } from "../client/waiting.ts";
import { kafkaError } from "../errors.ts";
import { assignPartitions } from "./assignor.ts";
import { Coordinator } from "./coordinator.ts";
import { type MemberAssignment, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "./member-metadata.ts";

/** Kafka's tools show groups of this type. */
const PROTOCOL_TYPE = "consumer";
/** Our own way to share partitions out, so that no member of another client takes part that does not keep to it. */
const PROTOCOL = "streamport-cooperative";
const HEARTBEATS_PER_SESSION = 20;
const LEAST_HEARTBEAT_MS = 100;
const LONGEST_HEARTBEAT_MS = 1_000;

/** Of a first join, which is not given up. */
const NEVER = new AbortController().signal;

/** What a membership asks and tells. Called between two turns of the protocol; must not throw. */
export interface MembershipEvents {
  /** What the member says of itself at this moment. */
  claim(): { readonly partitionCount: number; readonly owned: readonly number[] };
  /** A round is over: these are the member's partitions until the next. */
  synced(partitions: readonly number[], generation: number): void;
  /** Does the group answer, and has it said what the member owns? Told at each change, behind `synced` and before `lost`. */
  contact(isThere: boolean): void;
  /** The group has gone on without the member: nothing is its own any more. */
  lost(): void;
}

export interface MembershipSettings {
  readonly group: string;
  readonly topic: string;
  readonly sessionTimeoutMs: number;
}

/**
 * One member's part of the classic group protocol: join, sync, heartbeats, and again when the group wants it. Knows nothing of
 * records. Needs a client of its own: a join that waits holds up what else travels on the same connection.
 */
export class GroupMembership {
  readonly #client: KafkaClient;
  readonly #coordinator: Coordinator;
  readonly #settings: MembershipSettings;
  readonly #events: MembershipEvents;
  readonly #backoff: RetryBackoff;
  #memberId = "";
  /** What the answer to the latest first join calls this member; empty: it got none. */
  #assignedId: Promise<string> = Promise.resolve("");
  #generation = -1;
  /** In which the member last heard what it owns. */
  #syncedGeneration = -1;
  #phase: "joining" | "stable" = "joining";
  #mustJoin = true;
  #isMoving = false;
  #askedAtMs = 0;
  #lastContactMs = 0;
  #hasContact = false;
  #sleepAbort = new AbortController();

  constructor(client: KafkaClient, settings: MembershipSettings, events: MembershipEvents, report: Report) {
    this.#client = client;
    this.#coordinator = new Coordinator(client, settings.group);
    this.#settings = settings;
    this.#events = events;
    this.#backoff = new RetryBackoff(report, settings.topic);
  }

  /** As the group knows it, for commits. */
  get member(): GroupMember {
    return { group: this.#settings.group, generation: this.#generation, memberId: this.#memberId };
  }

  /**
   * What the group calls this member, also if the member was ended before it heard it: who is to leave has to be named. Empty
   * where the group has no name for it. @throws the signal's reason
   */
  async assignedId(signal: AbortSignal): Promise<string> {
    return this.#memberId === "" ? abortable(this.#assignedId, signal) : this.#memberId;
  }

  /** Between joining and having heard what it owns a refused commit says nothing about ownership. */
  get isStable(): boolean {
    return this.#phase === "stable";
  }

  /** Joins again as soon as it can: what the member has to say of itself has changed. */
  rejoin(): void {
    this.#mustJoin = true;
    this.#sleepAbort.abort();
  }

  /** A commit told that the group does not know this member any more, or not in this generation. */
  fenced(errorCode: number): void {
    this.#forget(errorCode);
    this.rejoin();
  }

  /** Takes part until the signal aborts. @throws what cannot be retried, as ours · the signal's reason */
  async run(signal: AbortSignal): Promise<never> {
    signal.addEventListener("abort", () => this.#sleepAbort.abort(), { once: true });
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#join(signal);
        this.#backoff.reset();
        await this.#heartbeatLoop(signal);
      } catch (error) {
        signal.throwIfAborted();
        await this.#recover(error, signal);
      }
    }
  }

  async #join(signal: AbortSignal): Promise<void> {
    this.#mustJoin = false;
    this.#phase = "joining";
    this.#contact(false);
    const { group, topic, sessionTimeoutMs } = this.#settings;
    this.#ask();
    const metadata = encodeSubscription({ topic, ...this.#events.claim(), generation: this.#syncedGeneration });
    const joined = await this.#coordinator.ask(signal, (brokerId) => {
      const timeouts = { sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs };
      const protocols = [{ name: PROTOCOL, metadata }];
      const request = { group, ...timeouts, memberId: this.#memberId, protocolType: PROTOCOL_TYPE, protocols };
      return this.#memberId === "" ? this.#firstJoin(brokerId, request, signal) : this.#client.joinGroup(brokerId, request, signal);
    });
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    this.#noteContact();
    this.#ask();
    const assignments = joined.memberId === joined.leaderId ? lead(joined) : [];
    const bytes = await this.#coordinator.ask(signal, (brokerId) =>
      this.#client.syncGroup(brokerId, { ...this.member, assignments }, signal),
    );
    const { partitions, moving } = decodeAssignment(topic, bytes);
    this.#noteContact();
    this.#phase = "stable";
    this.#isMoving = moving;
    this.#syncedGeneration = joined.generation;
    this.#events.synced(partitions, joined.generation);
    this.#contact(true);
  }

  /**
   * A first join is answered at once, with a name; from then on nobody gets anything until its bearer has joined or left, or a
   * session has passed. So the answer is waited for even if the member is ended meanwhile: see `assignedId`.
   */
  async #firstJoin(brokerId: number, request: JoinGroupRequest, signal: AbortSignal): Promise<JoinedGroup> {
    signal.throwIfAborted();
    const joining = this.#client.joinGroup(brokerId, request, NEVER);
    this.#assignedId = joining.then(({ memberId }) => memberId, memberIdIn);
    return abortable(joining, signal);
  }

  /** Resolves when it is time to join again. */
  async #heartbeatLoop(signal: AbortSignal): Promise<void> {
    while (!this.#mustJoin) {
      // From request to request: what an answer took is part of the pause.
      await this.#sleep(Math.max(0, this.#heartbeatMs - (performance.now() - this.#askedAtMs)), signal);
      if (this.#mustJoin) return;
      this.#loseWithoutContact();
      if (this.#mustJoin) return;
      this.#ask();
      try {
        await this.#heartbeat(signal);
        this.#noteContact();
        this.#loseWithoutContact();
        if (this.#mustJoin) return;
        this.#contact(true);
        this.#backoff.reset();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof KafkaProtocolError && isAboutMember(error.errorCode)) throw error;
        this.#contact(false);
        // The coordinator cannot be asked at present: that is no reason to make the whole group join again.
        await this.#backoff.failed("Heartbeat", error, signal);
      }
    }
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    // A server that is silent must not cost more heartbeats than a session can spare.
    const late = AbortSignal.timeout(Math.ceil(this.#settings.sessionTimeoutMs / 3));
    try {
      const timeLimit = AbortSignal.any([signal, late]);
      await this.#coordinator.ask(timeLimit, (brokerId) => this.#client.heartbeat(brokerId, this.member, timeLimit));
    } catch (error) {
      if (!late.aborted || signal.aborted) throw error;
      throw kafkaError("timeout", "the coordinator did not answer a heartbeat in time", { cause: error });
    }
  }

  /** While partitions change hands the next round comes soon, and everybody else waits for who hears of it last. */
  get #heartbeatMs(): number {
    const { sessionTimeoutMs } = this.#settings;
    const regularMs = this.#isMoving ? 0 : Math.min(LONGEST_HEARTBEAT_MS, sessionTimeoutMs / HEARTBEATS_PER_SESSION);
    return Math.min(Math.max(LEAST_HEARTBEAT_MS, regularMs), sessionTimeoutMs / 3);
  }

  async #sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    if (this.#sleepAbort.signal.aborted) this.#sleepAbort = new AbortController();
    if (!this.#mustJoin && !signal.aborted) await pause(durationMs, this.#sleepAbort.signal);
    signal.throwIfAborted();
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    this.#phase = "joining";
    this.#contact(false);
    const errorCode = error instanceof KafkaProtocolError ? error.errorCode : 0;
    const { topic, group, sessionTimeoutMs } = this.#settings;
    switch (errorCode) {
      case ErrorNumber.MEMBER_ID_REQUIRED:
        this.#memberId = (error as KafkaProtocolError).memberId ?? "";
        return;
      case ErrorNumber.REBALANCE_IN_PROGRESS:
        this.#noteContact();
        return;
      case ErrorNumber.INCONSISTENT_GROUP_PROTOCOL:
        throw kafkaError(
          "conflict",
          `group ${JSON.stringify(group)} has members of another client; end them first, or take another group`,
          {
            topic,
            cause: error,
          },
        );
      case ErrorNumber.INVALID_SESSION_TIMEOUT:
        throw kafkaError(
          "invalid-argument",
          `sessionTimeoutMs: the server does not take ${sessionTimeoutMs} ms; its bounds are group.min.session.timeout.ms (by default 6000) and group.max.session.timeout.ms (by default 1800000)`,
          { topic, cause: error },
        );
      default:
        if (isAboutMember(errorCode)) {
          this.#forget(errorCode);
          return;
        }
        this.#loseWithoutContact();
        await this.#backoff.failed("JoinGroup", error, signal);
    }
  }

  #forget(errorCode: number): void {
    // Who is known, but not in this generation, joins again under its own name.
    if (errorCode !== ErrorNumber.ILLEGAL_GENERATION) {
      this.#memberId = "";
      this.#assignedId = Promise.resolve("");
    }
    this.#lose();
  }

  #lose(): void {
    this.#generation = -1;
    this.#syncedGeneration = -1;
    this.#phase = "joining";
    this.#contact(false);
    this.#events.lost();
  }

  #contact(isThere: boolean): void {
    if (this.#hasContact === isThere) return;
    this.#hasContact = isThere;
    this.#events.contact(isThere);
  }

  /** A request to the group is about to be sent. */
  #ask(): void {
    this.#askedAtMs = performance.now();
  }

  /**
   * The group has answered. It knew the member when the request was sent at the earliest, and that counts: the answer may have
   * lain here for longer than a session, in a process that was stopped.
   */
  #noteContact(): void {
    this.#lastContactMs = this.#askedAtMs;
  }

  /** After a whole session of silence, also of our own (a stopped process), others may own what was ours. */
  #loseWithoutContact(): void {
    if (this.#syncedGeneration < 0 || performance.now() - this.#lastContactMs <= this.#settings.sessionTimeoutMs) return;
    this.#lose();
    this.rejoin();
  }
}

function memberIdIn(error: unknown): string {
  return (error instanceof KafkaProtocolError ? error.memberId : undefined) ?? "";
}

function isAboutMember(errorCode: number): boolean {
  return (
    errorCode === ErrorNumber.ILLEGAL_GENERATION ||
    errorCode === ErrorNumber.UNKNOWN_MEMBER_ID ||
    errorCode === ErrorNumber.REBALANCE_IN_PROGRESS ||
    errorCode === ErrorNumber.FENCED_INSTANCE_ID
  );
}

/** The leader shares the partitions out, each member among those of its topic. */
function lead({ members }: JoinedGroup): { readonly memberId: string; readonly assignment: Buffer }[] {
  const joined = members.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata) }));
  const assigned: ReadonlyMap<string, MemberAssignment> = assignPartitions(joined);
  return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }));
}
