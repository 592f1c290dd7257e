import { clearTimeout, setTimeout } from "node:timers";
import type { Assignment, Settlement, StoredRecord, StreamError, TopicIdentity } from "../../../src/driver/index.ts";
import { ownershipLost } from "../errors.ts";
import type { Group, Ownership } from "./group.ts";

/** What a group tells the client behind a member. */
export interface MemberEvents {
  /** The group has said all that this member has for now. */
  joined(): void;
  assigned(ownership: Ownership): void;
  /** Resolves when the client has finished with it and released it. */
  revoking(ownership: Ownership, deadlineMs: number): Promise<void>;
  lost(ownership: Ownership): void;
  /** The group no longer knows the member. */
  mustRejoin(): void;
  failed(error: StreamError): void;
}

/**
 * A member as the group knows it. Client and server share one process, so its heartbeat is not a timer but a state: a member
 * that was frozen or crashed is not heard of, and its session runs out. What the group says to a frozen member arrives
 * when it thaws; a crashed one hears nothing any more.
 */
export class Member {
  readonly identity: TopicIdentity;
  readonly sessionTimeoutMs: number;
  readonly #events: MemberEvents;
  #group: Group | undefined;
  #state: "alive" | "frozen" | "crashed" = "alive";
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

  /** Resolves when the member is not frozen; never for a crashed one, whose client is gone. Rejects with the signal's reason. */
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

  /** A crashed member cannot say goodbye: its seat stays taken until its session has run out. */
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

  /** As a process that is stopped: no heartbeats, no calls in either direction, until `thaw`. */
  freeze(): void {
    if (this.#state === "alive") this.#stopHeartbeats("frozen");
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    clearTimeout(this.#session);
    this.#state = "alive";
    const untold = this.#unreported;
    this.#unreported = [];
    for (const tell of untold) tell();
  }

  /** As a process that is killed. */
  crash(): void {
    if (this.#state !== "crashed") this.#stopHeartbeats("crashed");
    this.#unreported = [];
  }

  #stopHeartbeats(state: "frozen" | "crashed"): void {
    clearTimeout(this.#session);
    this.#state = state;
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
      // Should the client break its word and reject, the partition goes on all the same.
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
