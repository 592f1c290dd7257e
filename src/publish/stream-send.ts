import { StreamError, isStreamError, withContext } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import type { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage, SendGroup } from "./pending-message.ts";

/** So many messages of a stream may be in flight, whatever the byte bound of the producer is. */
const MAX_OPEN_MESSAGES = 8_192;

interface StreamWindow {
  readonly maxOpenBytes: number;
  /** False while the other calls of the producer leave no room. */
  hasRoom(): boolean;
}

type Source<Item> = AsyncIterable<Item> | Iterable<Item>;

type Pulled<Item> = IteratorResult<Item> | Promise<IteratorResult<Item>>;

/** The message, or the pull, with this number has ended the stream. */
interface StreamFailure {
  readonly index: number;
  readonly error: unknown;
  /** The error is the reason of the caller's signal, and the message was not stored. */
  readonly isReason: boolean;
}

/** One call of `sendStream`: counts what is stored, and wakes the loop that pulls when something has changed. */
export class StreamSend implements SendGroup {
  /** The messages that have not settled, in the order of the stream. */
  readonly #open = new Set<PendingMessage>();
  readonly #signal: AbortSignal | undefined;
  readonly #watch: AbortWatch;
  #onChange: (() => void) | null = null;
  #pulledCount = 0;
  #storedCount = 0;
  #openBytes = 0;
  #someSent = false;
  #failure: StreamFailure | null = null;

  constructor(signal: AbortSignal | undefined, watch: AbortWatch) {
    this.#signal = signal;
    this.#watch = watch;
    if (signal !== undefined) watch.watch(signal, this);
  }

  /** A message has been pulled. @returns its number */
  pulled(): number {
    return this.#pulledCount++;
  }

  get storedCount(): number {
    return this.#storedCount;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get openBytes(): number {
    return this.#openBytes;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** True when the outcome of the stream is known: after a failure, when all messages before it have settled. */
  get isDecided(): boolean {
    const [first] = this.#open;
    return first === undefined || (this.#failure !== null && first.index > this.#failure.index);
  }

  /** Of a decided stream: its first failure in the order of the stream, with how many messages are stored; `null`: none. */
  outcome(): { readonly error: unknown } | null {
    if (this.#failure === null) return null;
    const { index: stored, error, isReason } = this.#failure;
    if (!isReason) return { error: isStreamError(error) ? withContext(error, { stored }) : error };
    // As for a batch: the reason as it is, where nothing was sent.
    if (stored === 0 && !this.#someSent) return { error };
    const text = `the call was aborted; of its messages ${stored} from the start are stored, and the next one is not`;
    return { error: new StreamError("timeout", text, { cause: error, retryable: false, operation: "send", stored }) };
  }

  queued(message: PendingMessage): void {
    if (message.state === "settled") return;
    this.#open.add(message);
    this.#openBytes += message.bytes;
  }

  /** `onChange` is called once, at the next result or failure; `null`: nothing is called. */
  notify(onChange: (() => void) | null): void {
    this.#onChange = onChange;
  }

  /** Nothing more will be sent. */
  end(): void {
    if (this.#signal !== undefined) this.#watch.unwatch(this.#signal, this);
  }

  stored(message: PendingMessage): void {
    this.#storedCount += 1;
    this.#someSent = true;
    this.#settled(message);
  }

  failed(message: PendingMessage, error: unknown): void {
    this.#someSent ||= isStreamError(error, "outcome-unknown");
    this.#note(message.index, error);
    this.#settled(message);
  }

  withdrawn(message: PendingMessage, reason: unknown): void {
    this.#note(message.index, reason, true);
    this.#settled(message);
  }

  refused(index: number, error: StreamError): void {
    this.#note(index, error);
    this.#changed();
  }

  openMessages(): Iterable<PendingMessage> {
    return [...this.#open];
  }

  aborted(reason: unknown): void {
    this.#note(this.#pulledCount, reason, true);
    this.#changed();
  }

  /** The source has failed: nothing more can be pulled. */
  sourceFailed(error: StreamError): void {
    this.#note(this.#pulledCount, error);
    this.#changed();
  }

  /** The first in the order of the stream counts, not the first in time. */
  #note(index: number, error: unknown, isReason = false): void {
    if (this.#failure === null || index < this.#failure.index) this.#failure = { index, error, isReason };
  }

  #settled(message: PendingMessage): void {
    if (this.#open.delete(message)) this.#openBytes -= message.bytes;
    this.#changed();
  }

  #changed(): void {
    const onChange = this.#onChange;
    this.#onChange = null;
    onChange?.();
  }
}

/**
 * Pulls messages at the pace at which they are stored. At the first failure it stops pulling, ends the source by `return`, and throws
 * as soon as all messages before the failure have settled. Messages that were pulled after it may still be in flight then.
 */
export async function sendStream<Item>(
  source: Source<Item>,
  group: StreamSend,
  window: StreamWindow,
  send: (message: Item) => void,
): Promise<number> {
  await pullAll(source, group, window, send);
  while (!group.isDecided) await changed(group);
  group.end();
  const failure = group.outcome();
  if (failure !== null) throw failure.error;
  return group.storedCount;
}

/** Pulls until the source is done or the group has failed. Never rejects: what the source throws becomes the group's failure. */
async function pullAll<Item>(source: Source<Item>, group: StreamSend, window: StreamWindow, send: (message: Item) => void): Promise<void> {
  let iterator: AsyncIterator<Item> | Iterator<Item>;
  try {
    iterator = iteratorOf(source);
    for (;;) {
      while (!group.hasFailed && isFull(group, window)) await changed(group);
      if (group.hasFailed) break;
      const step = iterator.next() as Pulled<Item>;
      const result = isPromise(step) ? await unlessFailed(step, group) : step;
      if (result === null) break;
      if (result.done === true) return;
      send(result.value);
    }
  } catch (error) {
    // The source itself threw: it has ended.
    group.sourceFailed(
      isStreamError(error) ? error : new StreamError("invalid-argument", "the source of the messages failed", { cause: error }),
    );
    return;
  }
  endSource(iterator);
}

function iteratorOf<Item>(source: Source<Item>): AsyncIterator<Item> | Iterator<Item> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new StreamError(
    "invalid-argument",
    `sendStream needs an iterable, an async iterable or a stream of messages; received ${describeValue(source)}`,
  );
}

function isFull(group: StreamSend, window: StreamWindow): boolean {
  if (group.openCount === 0) return false;
  return group.openCount >= MAX_OPEN_MESSAGES || group.openBytes >= window.maxOpenBytes || !window.hasRoom();
}

function isPromise<Item>(step: Pulled<Item>): step is Promise<IteratorResult<Item>> {
  return "then" in step;
}

function changed(group: StreamSend): Promise<void> {
  return new Promise((resolve) => {
    group.notify(resolve);
  });
}

/** The next item, or `null` as soon as the group has failed: a source that hangs does not delay a failure. */
function unlessFailed<Item>(step: Promise<IteratorResult<Item>>, group: StreamSend): Promise<IteratorResult<Item> | null> {
  return new Promise((resolve, reject) => {
    const onChange = (): void => {
      if (group.hasFailed) resolve(null);
      else group.notify(onChange);
    };
    group.notify(onChange);
    step.then(resolve, reject);
  });
}

function endSource<Item>(iterator: AsyncIterator<Item> | Iterator<Item>): void {
  try {
    // Not awaited: a source that hangs would delay the failure. An error of its own comes too late to be of use.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  } catch {
    // As above.
  }
}
