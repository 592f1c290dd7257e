import type { StreamError } from "../errors.ts";
import type { ActiveCall } from "./active-call.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { ReadyList } from "./ready-list.ts";
import type { SliceFollowUp } from "./settle-slice.ts";

const NONE: readonly PendingMessage[] = Object.freeze([]);
/** The queue of every empty lane. Nothing is pushed to it. */
const EMPTY: PendingMessage[] = [];
Object.freeze(EMPTY);

/**
 * Messages in the order in which they must be stored: those of an unresolved call, then the queue.
 *
 * - `ordered`: one call at a time.
 * - `free`: messages without a lane. Those that are sent move to an ordered lane of their own (`name: null`), which lives until they settle.
 * - `unrouted`: messages whose lane is not known yet.
 */
export class Lane {
  readonly name: string | null;
  readonly kind: "ordered" | "free" | "unrouted";
  /** The unresolved call, and the messages of this lane that it carries. */
  call: ActiveCall | null = null;
  sent: readonly PendingMessage[] = NONE;
  sentBytes = 0;
  /** Admitted and queued. */
  readyBytes = 0;
  readyCount = 0;
  /** Calls in a row that need a retry, and the last error. */
  attempts = 0;
  lastError: StreamError | undefined = undefined;
  backsOff = false;
  /** Of a destination: the next call there that has room takes messages from the lane. `null`: it is on none. */
  readyList: ReadyList | null = null;
  /** Its neighbours on that list. */
  previousReady: Lane | null = null;
  nextReady: Lane | null = null;
  retryAtMs = 0;
  /**
   * How many lanes may be in a call with this one, itself included. 1: it travels alone, because its last result was late or needs a retry, or
   * because a culprit is searched for in it: it must not slow down others, or get them refused.
   */
  maxSharedLanes = Infinity;
  /** While the culprit of a refused slice is searched for: how many messages may be sent at once, and how many are still to be tried. */
  splitLimit = Infinity;
  splitLeft = 0;
  /** The lane has left the table: a new lane of this name may exist. */
  retired = false;
  #queue = EMPTY;
  #head = 0;
  /** Every message before this index is admitted or settled. */
  #admittedEnd = 0;
  /** How many messages of the queue are settled and only need to be removed. */
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

  /** The culprit of a refused slice is searched for. */
  get isSplit(): boolean {
    return this.splitLeft > 0;
  }

  get canSend(): boolean {
    return this.call === null && !this.backsOff && this.readyCount > 0;
  }

  push(message: PendingMessage): void {
    message.enterLane(this);
    // An array that is pushed to is made for seventeen elements, and most lanes of distinct keys get one.
    if (this.#queue.length === 0) this.#queue = [message];
    else this.#queue.push(message);
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
    message.markAdmitted();
    this.#admittedEnd += 1;
    this.readyBytes += message.bytes;
    this.readyCount += 1;
  }

  /** An admitted message of the queue settles without a call. */
  dropAdmitted(message: PendingMessage): void {
    this.readyBytes -= message.bytes;
    this.readyCount -= 1;
  }

  /** A message of the queue has settled. It is removed when the queue is taken from, or when half of the queue is settled. */
  noteSettled(): void {
    this.#settled += 1;
    if (this.#settled === this.#queue.length - this.#head) this.clear();
    else if (this.#settled > 32 && this.#settled * 2 > this.#queue.length - this.#head) this.#compact();
  }

  /** Takes the next messages for a call, at least `least` of them. A queue that fits as a whole is handed over without a copy. */
  take(maxMessages: number, maxBytes: number, least: 0 | 1): PendingMessage[] {
    if (this.#settled > 0) this.#compact();
    const available = this.#admittedEnd - this.#head;
    if (available === this.#queue.length && available <= maxMessages && this.readyBytes <= maxBytes) {
      const all = this.#queue;
      this.#replaceQueue(EMPTY, 0);
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

  /** Puts messages of a resolved call, which are to be retried, before all others. */
  putBack(messages: readonly PendingMessage[]): void {
    if (messages.length === 0) return;
    for (const message of messages) {
      message.markAdmitted();
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

  /** Empties the queue, whose messages have settled or moved to other lanes. */
  clear(): void {
    this.#settled = 0;
    this.#replaceQueue(EMPTY, 0);
  }

  callResolved(): void {
    this.call = null;
    this.sent = NONE;
    this.sentBytes = 0;
  }

  /** For `ReadyList` only: the lane has become the last one of the list. */
  joinReadyList(list: ReadyList, previous: Lane | null): void {
    this.readyList = list;
    this.previousReady = previous;
    if (previous !== null) previous.nextReady = this;
  }

  /** For `ReadyList` only: its neighbours become each other's. */
  leaveReadyList(): void {
    if (this.previousReady !== null) this.previousReady.nextReady = this.nextReady;
    if (this.nextReady !== null) this.nextReady.previousReady = this.previousReady;
    this.readyList = null;
    this.previousReady = null;
    this.nextReady = null;
  }

  /** A call was answered, and some of its messages need a retry. */
  retryNeeded(error: StreamError): void {
    this.attempts += 1;
    this.lastError = error;
  }

  /** A call was answered, and no message needs a retry: the count starts anew. */
  noRetryNeeded(): void {
    this.attempts = 0;
  }

  /** Why its messages still wait, without a call of theirs to blame: the driver's `prepare` failed, or a call was refused as a whole. */
  noteError(error: StreamError): void {
    this.lastError = error;
  }

  backOffUntil(atMs: number): void {
    this.backsOff = true;
    this.retryAtMs = atMs;
  }

  backOffEnded(): void {
    this.backsOff = false;
  }

  shareCallsOf(maxLanes: number): void {
    this.maxSharedLanes = maxLanes;
  }

  /** It has no messages: nothing is left of what its calls have shown. */
  rest(): void {
    this.attempts = 0;
    this.lastError = undefined;
    this.backsOff = false;
    this.splitLimit = Infinity;
    this.splitLeft = 0;
  }

  retire(): void {
    this.retired = true;
  }

  /**
   * One message of an atomic slice can make the provider refuse all of it. Halves what the lane may send at once until the
   * culprit is alone, and doubles it again while the rest of that slice is stored. Until then the lane travels alone.
   */
  isolateCulprit(sentMessages: number, followUp: SliceFollowUp): void {
    if (followUp.split) {
      this.splitLeft = Math.max(this.splitLeft, sentMessages);
      this.splitLimit = Math.max(1, sentMessages >> 1);
    } else if (this.splitLeft > 0 && followUp.retry === null) {
      this.splitLeft -= sentMessages;
      if (this.splitLeft <= 0) this.splitLimit = Infinity;
      else if (followUp.failures.length === 0) this.splitLimit *= 2;
    }
  }

  /** All messages that have not settled, in order. */
  *messages(): Generator<PendingMessage> {
    for (const message of this.sent) if (message.state !== "settled") yield message;
    // Removing or taking messages meanwhile does not shift this array.
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
