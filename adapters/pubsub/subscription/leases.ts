import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";
import type { ReceivedMessage } from "../records.ts";
import type { AckCalls } from "./ack-calls.ts";

/** One message that was received and is neither acknowledged nor given back. */
interface Lease {
  readonly messageId: string;
  /** The newest is the last. A copy that came later has an id of its own; each is acknowledged. */
  ackIds: string[];
  /** On the monotonic clock: when it is to be extended. */
  dueAtMs: number;
}

/**
 * Of a message that was sent and not received yet: the shortest that the service allows, because what is lost with a connection comes again
 * only when its lease has run out. https://cloud.google.com/pubsub/docs/lease-management
 */
export const FIRST_LEASE_SECONDS = 10;
/** A lease is extended when a third of its time is over. */
const EXTENSIONS_PER_LEASE = 3;
const FIRST_PAUSE_MS = (FIRST_LEASE_SECONDS * 1_000) / EXTENSIONS_PER_LEASE;

/** The messages that this member has: each is leased from its receipt on, until it is acknowledged or given back. */
export class Leases {
  readonly #calls: AckCalls;
  readonly #deadlineSeconds: number;
  readonly #pauseMs: number;
  readonly #leases = new Map<string, Lease>();
  readonly #timer: NodeJS.Timeout;
  #extending: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Called when messages are no longer this member's. */
  settled: () => void = () => undefined;

  constructor(calls: AckCalls, deadlineSeconds: number) {
    this.#calls = calls;
    this.#deadlineSeconds = deadlineSeconds;
    this.#pauseMs = Math.floor((deadlineSeconds * 1_000) / EXTENSIONS_PER_LEASE);
    this.#timer = setInterval(() => this.#extend(), FIRST_PAUSE_MS / 2);
  }

  /** @returns whether the message is new; otherwise it takes the new lease */
  add({ ackId, message }: ReceivedMessage): boolean {
    const messageId = message.messageId ?? "";
    const dueAtMs = performance.now() + FIRST_PAUSE_MS;
    const known = this.#leases.get(messageId);
    if (known === undefined) {
      this.#leases.set(messageId, { messageId, ackIds: [ackId], dueAtMs });
      return true;
    }
    known.ackIds.push(ackId);
    known.dueAtMs = dueAtMs;
    return false;
  }

  /**
   * Acknowledges in this order, one request at a time. What the service refuses for good comes again, and counts as given up.
   * @throws what can be tried again: then the rest stays leased
   */
  async acknowledge(messageIds: Iterable<string>, signal: AbortSignal): Promise<void> {
    let wanted = [...messageIds].map((id) => this.#leases.get(id)).filter((lease) => lease !== undefined);
    while (wanted.length > 0) {
      await this.#acknowledgeOnce(wanted, signal);
      // A copy that came in the meantime has another id: left alone, it would hold up its key until its deadline.
      wanted = wanted.filter((lease) => this.#leases.get(lease.messageId) === lease);
    }
  }

  async #acknowledgeOnce(wanted: readonly Lease[], signal: AbortSignal): Promise<void> {
    const owners = new Map<string, Lease>();
    for (const lease of wanted) {
      // Only the newest counts on an exactly-once subscription.
      if (this.#calls.isExactlyOnce) lease.ackIds = lease.ackIds.slice(-1);
      for (const ackId of lease.ackIds) owners.set(ackId, lease);
    }
    await this.#calls.acknowledge([...owners.keys()], signal, (done) => {
      for (const ackId of done) {
        const lease = owners.get(ackId)!;
        lease.ackIds = lease.ackIds.filter((one) => one !== ackId);
        if (lease.ackIds.length === 0) this.#leases.delete(lease.messageId);
      }
      this.settled();
    });
  }

  /** Gives messages back: they are delivered again, also to others. */
  async release(messageIds: Iterable<string>, signal: AbortSignal): Promise<void> {
    const ackIds: string[] = [];
    for (const id of messageIds) {
      ackIds.push(...(this.#leases.get(id)?.ackIds.slice(-1) ?? []));
      this.#leases.delete(id);
    }
    this.settled();
    // Behind an extension that is on its way, which would take them back.
    await this.#extending;
    await this.#calls.modify(ackIds, 0, signal);
  }

  /** It is no longer this member's. */
  forget(messageId: string): void {
    this.#leases.delete(messageId);
    this.settled();
  }

  get count(): number {
    return this.#leases.size;
  }

  get outstanding(): Iterable<string> {
    return this.#leases.keys();
  }

  #extend(): void {
    const nowMs = performance.now();
    const due = [...this.#leases.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs);
    if (due.length === 0) return;
    // Those that fail are due still, and are tried again at the next tick.
    this.#extending = this.#extending.then(() => this.#extendAll(due, nowMs)).catch(() => undefined);
  }

  async #extendAll(due: readonly Lease[], nowMs: number): Promise<void> {
    const held = due.filter(({ messageId }) => this.#leases.has(messageId));
    if (this.#isClosed || held.length === 0) return;
    const ackIds = held.map((lease) => lease.ackIds.at(-1)!);
    await this.#calls.modify(ackIds, this.#deadlineSeconds, AbortSignal.timeout(Math.floor(FIRST_PAUSE_MS)));
    for (const lease of held) lease.dueAtMs = nowMs + this.#pauseMs;
  }

  /** What is outstanding stays so until its deadline. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }
}
