import { RetryBackoff, abortable, pause } from "../../../src/adapter-kit/index.ts";
import { performance } from "node:perf_hooks";
import type { Report } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { type GroupMember, type JoinGroupRequest, type JoinedGroup, type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { classify, kafkaError } from "../errors.ts";
import { assignPartitions } from "./assignor.ts";
import { Coordinator } from "./coordinator.ts";
import { type MemberAssignment, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "./member-metadata.ts";

/** Kafka's tools list groups of this type. */
const PROTOCOL_TYPE = "consumer";
/** Our own assignment protocol. The group refuses members of other clients, which do not follow it. */
const PROTOCOL = "streamport-cooperative";
const HEARTBEATS_PER_SESSION = 20;
const MIN_HEARTBEAT_MS = 100;
const MAX_HEARTBEAT_MS = 1_000;

/** The signal of a first join, which is never aborted. */
const NEVER = new AbortController().signal;

/** The membership calls these between two steps of the protocol. They must not throw. */
export interface MembershipEvents {
  /** The member's present view, for its join request. */
  claim(): { readonly partitionCount: number; readonly owned: readonly number[] };
  /** A rebalance is complete. The member owns these partitions until the next one. */
  synced(partitions: readonly number[], generation: number): void;
  /** `true`: the group answers and has assigned partitions to the member. Called at each change, after `synced` and before `lost`. */
  contact(hasContact: boolean): void;
  /** The group has removed the member or started a generation without it. The member owns no partitions any longer. */
  lost(): void;
}

export interface MembershipSettings {
  readonly group: string;
  readonly topic: string;
  readonly sessionTimeoutMs: number;
}

/**
 * One member's part of the classic group protocol: join, sync, heartbeats, and a new join at each rebalance. It does not handle
 * records. It needs its own client: a join that waits blocks other requests on its connection.
 */
export class GroupMembership {
  readonly #client: KafkaClient;
  readonly #coordinator: Coordinator;
  readonly #settings: MembershipSettings;
  readonly #events: MembershipEvents;
  readonly #backoff: RetryBackoff;
  #memberId = "";
  /** The member id in the answer to the latest first join; empty: the answer had none. */
  #assignedId: Promise<string> = Promise.resolve("");
  #generation = -1;
  /** The generation of the latest assignment. */
  #syncedGeneration = -1;
  #phase: "joining" | "stable" = "joining";
  #mustJoin = true;
  #isMoving = false;
  #requestedAtMs = 0;
  #lastContactMs = 0;
  #hasContact = false;
  #sleepAbort = new AbortController();

  constructor(client: KafkaClient, settings: MembershipSettings, events: MembershipEvents, report: Report) {
    this.#client = client;
    this.#coordinator = new Coordinator(client, settings.group);
    this.#settings = settings;
    this.#events = events;
    this.#backoff = new RetryBackoff({ report, topic: settings.topic, classify });
  }

  /** The member as the group knows it, for commits. */
  get member(): GroupMember {
    return { group: this.#settings.group, generation: this.#generation, memberId: this.#memberId };
  }

  /**
   * The group's id for this member, which a request to leave must name. The id is available even if the member was closed before the
   * answer to its join came. Empty if the group has no id for it. @throws the signal's reason
   */
  async assignedId(signal: AbortSignal): Promise<string> {
    return this.#memberId === "" ? abortable(this.#assignedId, signal) : this.#memberId;
  }

  /** `false` between a join and the next assignment. A commit that is refused in this time does not prove that ownership is lost. */
  get isStable(): boolean {
    return this.#phase === "stable";
  }

  /** `false`: the group has not answered for a whole session, so that other members may own this member's partitions. */
  get hasSession(): boolean {
    return this.#syncedGeneration >= 0 && performance.now() - this.#lastContactMs <= this.#settings.sessionTimeoutMs;
  }

  /** Joins again as soon as possible, because the member's claim has changed. */
  rejoin(): void {
    this.#mustJoin = true;
    this.#sleepAbort.abort();
  }

  /** A commit was refused: the group does not know this member, or not in this generation. */
  fenced(errorCode: number): void {
    this.#forget(errorCode);
    this.rejoin();
  }

  /** Takes part in the group until the signal aborts. @throws a `StreamError` that is not retryable · the signal's reason */
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
    this.#noteRequest();
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
    this.#noteRequest();
    const assignments = joined.memberId === joined.leaderId ? assignAsLeader(joined) : [];
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
   * The answer to a first join comes at once, with a member id. From then on the group assigns no partitions until that member has
   * joined, has left, or its session has timed out. So the answer is awaited even if the member is closed meanwhile: see `assignedId`.
   */
  async #firstJoin(brokerId: number, request: JoinGroupRequest, signal: AbortSignal): Promise<JoinedGroup> {
    signal.throwIfAborted();
    const joining = this.#client.joinGroup(brokerId, request, NEVER);
    this.#assignedId = joining.then(({ memberId }) => memberId, memberIdIn);
    return abortable(joining, signal);
  }

  /** Resolves when the member has to join again. */
  async #heartbeatLoop(signal: AbortSignal): Promise<void> {
    while (!this.#mustJoin) {
      // The interval is from request to request: the time of the answer is part of it.
      await this.#sleep(Math.max(0, this.#heartbeatMs - (performance.now() - this.#requestedAtMs)), signal);
      if (this.#mustJoin) return;
      this.#loseWithoutContact();
      if (this.#mustJoin) return;
      this.#noteRequest();
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
        // The coordinator cannot be reached at present. A new join would make the whole group rebalance.
        await this.#backoff.failed("Heartbeat", error, signal);
      }
    }
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    // If the server does not answer, there must still be time for further heartbeats in the same session.
    const late = AbortSignal.timeout(Math.ceil(this.#settings.sessionTimeoutMs / 3));
    try {
      const timeLimit = AbortSignal.any([signal, late]);
      await this.#coordinator.ask(timeLimit, (brokerId) => this.#client.heartbeat(brokerId, this.member, timeLimit));
    } catch (error) {
      if (!late.aborted || signal.aborted) throw error;
      throw kafkaError("timeout", "the coordinator did not answer a heartbeat in time", { cause: error });
    }
  }

  /** While partitions move, the next rebalance comes soon, and every member waits for the one that notices it last. So heartbeats are faster then. */
  get #heartbeatMs(): number {
    const { sessionTimeoutMs } = this.#settings;
    const regularMs = this.#isMoving ? 0 : Math.min(MAX_HEARTBEAT_MS, sessionTimeoutMs / HEARTBEATS_PER_SESSION);
    return Math.min(Math.max(MIN_HEARTBEAT_MS, regularMs), sessionTimeoutMs / 3);
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
          `group ${JSON.stringify(group)} has members of another client; stop them first, or use another group`,
          {
            topic,
            cause: error,
          },
        );
      case ErrorNumber.INVALID_SESSION_TIMEOUT:
        throw kafkaError(
          "invalid-argument",
          `sessionTimeoutMs: the server does not accept ${sessionTimeoutMs} ms; its limits are group.min.session.timeout.ms (by default 6000) and group.max.session.timeout.ms (by default 1800000)`,
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
    // If the group knows the member, but not in this generation, it joins again with the same member id.
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

  #contact(hasContact: boolean): void {
    if (this.#hasContact === hasContact) return;
    this.#hasContact = hasContact;
    this.#events.contact(hasContact);
  }

  /** Notes the time before a request to the group. */
  #noteRequest(): void {
    this.#requestedAtMs = performance.now();
  }

  /**
   * The group has answered. Only the time of the request is certain to be a time at which the group knew the member: in a stopped
   * process the answer may have waited for longer than a session.
   */
  #noteContact(): void {
    this.#lastContactMs = this.#requestedAtMs;
  }

  /** After a whole session without contact, also because this process was stopped, other members may own this member's partitions. */
  #loseWithoutContact(): void {
    if (this.#syncedGeneration < 0 || this.hasSession) return;
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

/** The leader's task: assigns each topic's partitions to the members of that topic. */
function assignAsLeader({ members }: JoinedGroup): { readonly memberId: string; readonly assignment: Buffer }[] {
  const joined = members.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata) }));
  const assigned: ReadonlyMap<string, MemberAssignment> = assignPartitions(joined);
  return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }));
}
