import type { StreamError } from "../errors.ts";
import type { ActiveCall } from "./active-call.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { SliceFollowUp } from "./settle-slice.ts";

const NONE: readonly PendingMessage[] = Object.freeze([]);

/**
 * Messages in the order in which they must be stored: those of an unresolved call, then the queue.
 *
 * - `ordered`: one call at a time.
 * - `free`: messages without a lane; what goes into a call leaves it for an ordered lane of its own (`name: null`), which lives as long as they do.
 * - `unrouted`: whose lane is not known yet.
 */
export class Lane {
  readonly name: string | null;
  readonly kind: "ordered" | "free" | "unrouted";
  /** The unresolved call, and what it carries of this lane. */
  call: ActiveCall | null = null;
  sent: readonly PendingMessage[] = NONE;
  sentBytes = 0;
  /** Admitted and queued. */
  readyBytes = 0;
  readyCount = 0;
  /** Failed calls in a row, and the last error. */
  attempts = 0;
  lastError: StreamError | undefined = undefined;
  backsOff = false;
  /** On the list of a destination: the next call there that has room takes it. */
  isReady = false;
  retryAtMs = 0;
  /** Its last result was late or worth a retry: it must not slow down others. */
  travelsAlone = false;
  /** While the culprit of a refused slice is looked for: how many may go at once, and how many are left to look at. */
  splitLimit = Infinity;
  splitLeft = 0;
  /** Has left the table: a new lane of this name may exist. */
  retired = false;
  #queue: PendingMessage[] = [];
  #head = 0;
  /** Everything before it is admitted, or settled. */
  #admittedEnd = 0;
  /** How many of the queue are settled and only need to be removed. */
  #settled = 0;

  constructor(name: string | null, kind: Lane["kind"]) {
    this.name = name;
    this.kind = kind;
  }

  get isEmpty(): boolean {
    return this.call === null && this.#queue.length - this.#head === this.#settled;
  }

  get admittedBytes(): number {
    return this.readyBytes + this.sentBytes;
  }

  get canSend(): boolean {
    return this.call === null && !this.backsOff && this.readyCount > 0;
  }

  push(message: PendingMessage): void {
    message.lane = this;
    this.#queue.push(message);
  }

  nextToAdmit(): PendingMessage | undefined {
    let next = this.#queue[this.#admittedEnd];
    while (next?.state === "settled") {
      this.#admittedEnd += 1;
      next = this.#queue[this.#admittedEnd];
    }
    return next;
  }

  admitNext(message: PendingMessage): void {
    message.state = "admitted";
    this.#admittedEnd += 1;
    this.readyBytes += message.bytes;
    this.readyCount += 1;
  }

  /** One of the queue has settled: it is dropped when it is met, or when half of the queue are such. */
  noteSettled(): void {
    this.#settled += 1;
    if (this.#settled === this.#queue.length - this.#head) this.clear();
    else if (this.#settled > 32 && this.#settled * 2 > this.#queue.length - this.#head) this.#compact();
  }

  /** The next messages for a call, at least `least` of them. A queue that fits is handed over as it is. */
  take(maxMessages: number, maxBytes: number, least: 0 | 1): PendingMessage[] {
    if (this.#settled > 0) this.#compact();
    const available = this.#admittedEnd - this.#head;
    if (available === this.#queue.length && available <= maxMessages && this.readyBytes <= maxBytes) {
      const all = this.#queue;
      this.#replaceQueue([], 0);
      this.readyBytes = 0;
      this.readyCount = 0;
      return all;
    }
    let count = 0;
    let bytes = 0;
    while (count < available && count < maxMessages) {
      const size = this.#queue[this.#head + count]!.bytes;
      if (bytes + size > maxBytes && count >= least) break;
      bytes += size;
      count += 1;
    }
    const taken = this.#queue.slice(this.#head, this.#head + count);
    this.#head += count;
    this.readyBytes -= bytes;
    this.readyCount -= count;
    if (this.#head * 2 >= this.#queue.length) this.#replaceQueue(this.#queue.slice(this.#head), this.#admittedEnd - this.#head);
    return taken;
  }

  /** Messages of a resolved call that are to go again, before all others. */
  putBack(messages: readonly PendingMessage[]): void {
    if (messages.length === 0) return;
    for (const message of messages) {
      message.state = "admitted";
      this.readyBytes += message.bytes;
    }
    this.readyCount += messages.length;
    const admitted = messages.length + this.#admittedEnd - this.#head;
    this.#replaceQueue(messages.concat(this.#queue.slice(this.#head)), admitted);
  }

  /** Remembers what an unresolved call carries. */
  sendWith(call: ActiveCall, messages: readonly PendingMessage[], bytes: number): void {
    this.call = call;
    this.sent = messages;
    this.sentBytes = bytes;
  }

  /** Forgets a queue whose messages have gone elsewhere. */
  clear(): void {
    this.#settled = 0;
    this.#replaceQueue([], 0);
  }

  callResolved(): void {
    this.call = null;
    this.sent = NONE;
    this.sentBytes = 0;
  }

  /** All that are not settled, in order. */
  *messages(): Generator<PendingMessage> {
    for (const message of this.sent) if (message.state !== "settled") yield message;
    // The array at hand is walked: what is dropped or handed over meanwhile does not shift it.
    const queue = this.#queue;
    for (let at = this.#head; at < queue.length; at += 1) {
      const message = queue[at]!;
      if (message.state !== "settled") yield message;
    }
  }

  #compact(): void {
    const queue: PendingMessage[] = [];
    let admitted = 0;
    for (let at = this.#head; at < this.#queue.length; at += 1) {
      const message = this.#queue[at]!;
      if (message.state === "settled") continue;
      queue.push(message);
      if (message.state === "admitted") admitted += 1;
    }
    this.#settled = 0;
    this.#replaceQueue(queue, admitted);
  }

  #replaceQueue(queue: PendingMessage[], admittedEnd: number): void {
    this.#queue = queue;
    this.#head = 0;
    this.#admittedEnd = admittedEnd;
  }
}

/**
 * One message of an atomic slice can make the provider refuse all of it. Halves what the lane may send at once until the
 * culprit is alone, and doubles it again while the rest of that slice goes through.
 */
export function isolateCulprit(lane: Lane, sentMessages: number, followUp: SliceFollowUp): void {
  if (followUp.split) {
    lane.splitLeft = Math.max(lane.splitLeft, sentMessages);
    lane.splitLimit = Math.max(1, sentMessages >> 1);
  } else if (lane.splitLeft > 0 && followUp.retry === null) {
    lane.splitLeft -= sentMessages;
    if (lane.splitLeft <= 0) lane.splitLimit = Infinity;
    else if (followUp.failures.length === 0) lane.splitLimit *= 2;
  }
}
