import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { Assignment, Settlement, StoredRecord, StreamError, TopicIdentity } from "../../../src/driver/index.ts";
import { ownershipLost } from "../errors.ts";
import type { Group, Ownership } from "./group.ts";

/** The events that a group sends to the client of a member. */
export interface MemberEvents {
  /** The group has sent all assignments that this member gets for now. */
  joined(): void;
  assigned(ownership: Ownership): void;
  /** Resolves when the client has finished with the partition and released it. */
  revoking(ownership: Ownership, deadlineMs: number): Promise<void>;
  lost(ownership: Ownership): void;
  /** The group no longer knows the member. */
  mustRejoin(): void;
  failed(error: StreamError): void;
}

/**
 * A member as the group knows it. Client and server share one process, so the heartbeat is not a timer but a state: a member
 * that was frozen or crashed sends no heartbeats, and its session times out. Events for a frozen member arrive when it
 * thaws; a crashed one gets none any more.
 */
export class Member {
  readonly identity: TopicIdentity;
  readonly sessionTimeoutMs: number;
  readonly #events: MemberEvents;
  #group: Group | undefined;
  #state: "alive" | "frozen" | "crashed" = "alive";
  /** Since when it sends no heartbeats; `null`: it sends them. */
  #silentSinceMs: number | null = null;
  #unreported: (() => void)[] = [];
  #session: NodeJS.Timeout | undefined;

  constructor(identity: TopicIdentity, sessionTimeoutMs: number, events: MemberEvents) {
    this.identity = identity;
    this.sessionTimeoutMs = sessionTimeoutMs;
    this.#events = events;
  }

  get state(): "alive" | "frozen" | "crashed" {
    return this.#state;
  }

  /** `false`: it has sent no heartbeat for a whole session, so that the group has given away what it owned. */
  get hasSession(): boolean {
    return this.#silentSinceMs === null || performance.now() - this.#silentSinceMs < this.sessionTimeoutMs;
  }

  /** Resolves when the member is not frozen. Never resolves for a crashed one, whose client is gone. Rejects with the signal's reason. */
  async whenAwake(signal: AbortSignal): Promise<void> {
    if (this.#state === "alive") return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abandon = (): void => reject(signal.reason);
    this.#report(resolve);
    signal.addEventListener("abort", abandon);
    try {
      signal.throwIfAborted();
      await promise;
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  join(group: Group): void {
    this.#group = group;
    group.join(this);
  }

  /** A crashed member cannot leave: it stays in the group until its session has timed out. */
  leave(): void {
    if (this.#state === "crashed") {
      this.#session?.unref();
      return;
    }
    clearTimeout(this.#session);
    this.#group?.leave(this);
    this.#group = undefined;
  }

  settle(settlement: Settlement): StreamError | null {
    const { partition } = settlement.assignment;
    return this.#group === undefined
      ? ownershipLost(settlement.assignment.identity.topic, partition)
      : this.#group.settle(this, settlement);
  }

  release(assignment: Assignment, records: readonly StoredRecord[]): void {
    this.#group?.release(this, assignment, records);
  }

  /** Acts like a stopped process: no heartbeats and no calls in either direction, until `thaw`. */
  freeze(): void {
    if (this.#state === "alive") this.#stopHeartbeats("frozen");
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    clearTimeout(this.#session);
    this.#state = "alive";
    this.#silentSinceMs = null;
    const unreported = this.#unreported;
    this.#unreported = [];
    for (const report of unreported) report();
  }

  /** Acts like a killed process. */
  crash(): void {
    if (this.#state !== "crashed") this.#stopHeartbeats("crashed");
    this.#unreported = [];
  }

  #stopHeartbeats(state: "frozen" | "crashed"): void {
    clearTimeout(this.#session);
    this.#state = state;
    this.#silentSinceMs ??= performance.now();
    this.#session = setTimeout(() => this.#group?.expire(this), this.sessionTimeoutMs);
  }

  #report(message: () => void): void {
    if (this.#state === "alive") message();
    else if (this.#state === "frozen") this.#unreported.push(message);
  }

  joined(): void {
    this.#report(() => this.#events.joined());
  }

  assigned(ownership: Ownership): void {
    this.#report(() => this.#events.assigned(ownership));
  }

  revoking(ownership: Ownership): Promise<void> {
    return new Promise((resolve) => {
      // The client must not reject. If it does all the same, the partition moves on.
      this.#report(() => void this.#events.revoking(ownership, this.sessionTimeoutMs).then(resolve, resolve));
    });
  }

  lost(ownership: Ownership): void {
    this.#report(() => this.#events.lost(ownership));
  }

  mustRejoin(): void {
    this.#report(() => this.#events.mustRejoin());
  }

  failed(error: StreamError): void {
    this.#report(() => this.#events.failed(error));
  }
}
