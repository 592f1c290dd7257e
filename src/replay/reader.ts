import { clearTimeout, setTimeout } from "node:timers";
import { abortable } from "../abortable.ts";
import { type CloseOptions, closeTimeoutMs } from "../call-options.ts";
import type { ReaderDriver } from "../driver/reader-driver.ts";
import { StreamError } from "../errors.ts";
import type { Message } from "../message.ts";
import { encodeBookmark } from "../position/bookmark.ts";
import type { PartitionPlace } from "../position/place.ts";
import type { TopicIdentity } from "../position/position.ts";
import { ignoreRejection } from "../promise-like.ts";
import { retriedCall } from "../retried-call.ts";
import type { Bookmark } from "../tokens.ts";
import { callOn } from "../topic-call.ts";
import type { TypedTopic } from "../topic-context.ts";
import { HandedOut, makesMarks } from "./handed-out.ts";
import { MessagePuller } from "./message-puller.ts";
import { bufferOf, openRange } from "./open-range.ts";
import { type Pull, PullIterator } from "./pull-iterator.ts";
import type { RangeBuffer } from "./range-buffer.ts";
import { type ResolvedReaderOptions, resolveReaderOptions } from "./reader-options.ts";
import type { Reader, ReaderOptions } from "./reader-types.ts";
import { RecordDecoder } from "./record-decoder.ts";

/** How long a reader that closes may go on opening, so that its bookmark is known: longer would hold up the end of a program. */
const GRACE_MS = 1_000;

interface Opened<T> {
  readonly identity: TopicIdentity;
  readonly buffer: RangeBuffer;
  readonly puller: MessagePuller<T>;
  /** `null` where bookmarks are made of positions. */
  readonly handedOut: HandedOut | null;
}

/** One range, read once. It is resolved at the first use, read from the first `next`, and closed when the reading ends. */
class RangeReader<T> implements Reader<T> {
  readonly #context: TypedTopic<T, never>;
  readonly #options: ResolvedReaderOptions;
  /** Aborts at `close`: nothing is handed out from then on. */
  readonly #end = new AbortController();
  /** Aborts when `close` does not wait any longer for the range to be known. */
  readonly #life = new AbortController();
  /** Aborts when `close` does not wait any longer for the last mark. */
  readonly #marking = new AbortController();
  /** The application may ask for a bookmark again when the reader is closed. */
  #wasAskedForBookmark = false;
  #driverReader: ReaderDriver | undefined;
  #opening: Promise<Opened<T>> | undefined;
  #opened: Opened<T> | undefined;
  /** Why it could not open. */
  #failure: StreamError | undefined;
  #openedLate: Promise<Opened<T>> | undefined;
  #iterated = false;
  #closing: Promise<void> | undefined;
  #untrack: (() => void) | undefined;

  constructor(context: TypedTopic<T, never>, options: ResolvedReaderOptions) {
    this.#context = context;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, void> {
    return this.#iterate((pull) => pull.message());
  }

  batches(): AsyncIterable<readonly Message<T>[]> {
    const iterator = this.#iterate((pull) => pull.batch());
    let given = false;
    return {
      [Symbol.asyncIterator]: () => {
        if (given) throw this.#usedTwice();
        given = true;
        return iterator;
      },
    };
  }

  async bookmark(): Promise<Bookmark> {
    this.#wasAskedForBookmark = true;
    const opened = this.#opened ?? (await this.#known());
    const places = opened.buffer.places();
    return encodeBookmark(this.#context.provider, opened.identity, new Map([...places, ...(await this.#marked(opened))]));
  }

  /** Where the provider itself keeps what was read, its places. */
  async #marked(opened: Opened<T>): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { handedOut } = opened;
    if (handedOut === null || !needsMark(opened)) return new Map();
    try {
      if (this.#closing === undefined) return await handedOut.mark();
      await this.#closing;
      const last = handedOut.lastMark;
      if (last !== undefined) return await last;
    } catch (error) {
      throw this.#context.toError(error, "read");
    }
    const { provider } = this.#context;
    throw this.#closedError(
      `${provider} makes a bookmark only while the reader is open: a reader that was asked for one before it is closed also has that of its end`,
    );
  }

  /** Also when closed: a program saves its bookmark on its way out, however far the reader had come. */
  async #known(): Promise<Opened<T>> {
    if (this.#opening !== undefined || this.#closing === undefined) {
      try {
        return await this.#open();
      } catch (error) {
        if (error !== this.#life.signal.reason) throw error;
      }
    }
    this.#openedLate ??= this.#openLate();
    return this.#openedLate;
  }

  /** @param options `timeoutMs`: how long a driver may take to stop before it is left behind */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #iterate<Item extends object>(pullFrom: (puller: MessagePuller<T>) => ReturnType<Pull<Item>>): PullIterator<Item> {
    if (this.#iterated) throw this.#usedTwice();
    this.#iterated = true;
    let started = false;
    const pull: Pull<Item> = () => {
      if (started) return pullFrom(this.#opened!.puller);
      started = true;
      return this.#start(pullFrom);
    };
    return new PullIterator(pull, () => this.close());
  }

  async #start<Item extends object>(pullFrom: (puller: MessagePuller<T>) => ReturnType<Pull<Item>>): Promise<Item | undefined> {
    const { signal } = this.#end;
    // A reader that was closed before is refused; one that is closed while it opens just ends.
    if (this.#closing !== undefined) throw this.#closedError("the reader is closed");
    try {
      const { buffer, puller } = await abortable(this.#open(), signal);
      signal.throwIfAborted();
      buffer.start();
      return await pullFrom(puller);
    } catch (error) {
      // A reader that could not open closes by itself: that is no end, and its reason is what counts.
      if (error !== signal.reason) throw error;
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
  }

  #open(): Promise<Opened<T>> {
    this.#opening ??= this.#openOnce();
    return this.#opening;
  }

  async #openOnce(): Promise<Opened<T>> {
    const context = this.#context;
    try {
      context.requireOpen("read");
      this.#untrack = context.track({ stage: "reader", close: (options) => this.close(options) });
      this.#driverReader = context.driver.reader(context.nativeTopic);
      this.#opened = await this.#resolve(this.#driverReader, this.#life.signal);
      return this.#opened;
    } catch (error) {
      if (error === this.#life.signal.reason) throw error;
      this.#failure = context.toError(error, "read");
      // A reader that could not open has nothing to close later. Not awaited: `close` never rejects, and the error is not to wait.
      void this.close();
      throw this.#failure;
    }
  }

  /** The range of a reader that was closed before it was known: it is only looked up, and never read. */
  async #openLate(): Promise<Opened<T>> {
    const context = this.#context;
    const life = new AbortController();
    let reader: ReaderDriver | undefined;
    let untrack: (() => void) | undefined;
    try {
      context.requireOpen("read");
      untrack = context.track({ stage: "reader", close: async () => life.abort(this.#closedError("the connection was closed")) });
      reader = context.driver.reader(context.nativeTopic);
      const opened = await this.#resolve(reader, life.signal);
      if (needsMark(opened)) await opened.handedOut?.mark();
      return opened;
    } catch (error) {
      this.#openedLate = undefined;
      throw context.toError(error, "read");
    } finally {
      untrack?.();
      await reader?.close();
    }
  }

  async #resolve(reader: ReaderDriver, signal: AbortSignal): Promise<Opened<T>> {
    const context = this.#context;
    const opened = await openRange(context, this.#options, reader, signal);
    signal.throwIfAborted();
    const handedOut = makesMarks(reader)
      ? new HandedOut(reader, () => retriedCall(callOn(context, "read", this.#marking.signal), (attempt) => reader.mark(attempt)))
      : null;
    const listener = handedOut === null ? undefined : handedOut.add.bind(handedOut);
    const buffer = bufferOf(context, this.#options, reader, opened, listener);
    const puller = new MessagePuller(buffer, new RecordDecoder<T>(context, this.#options.onCorrupt), this.#options, this.#end.signal);
    return { identity: opened.identity, buffer, puller, handedOut };
  }

  async #close(options: CloseOptions): Promise<void> {
    this.#end.abort(this.#closedError("the reader was closed"));
    // A closing connection gives what is left of its time, a fraction; the signal takes whole milliseconds only.
    const timeoutMs = Math.ceil(closeTimeoutMs(options));
    // The driver may not stop in time, or may fail while it stops: the application could not act on either.
    await ignoreRejection(abortable(this.#stop(timeoutMs), AbortSignal.timeout(timeoutMs)));
    this.#untrack?.();
  }

  async #stop(timeoutMs: number): Promise<void> {
    if (this.#opening !== undefined && this.#opened === undefined) {
      await ignoreRejection(abortable(this.#opening, AbortSignal.timeout(Math.min(GRACE_MS, timeoutMs))));
    }
    this.#life.abort(this.#closedError("the reader was closed before its range was known"));
    await this.#opened?.buffer.close();
    await this.#markEnd(timeoutMs);
    await this.#driverReader?.close();
  }

  /** Behind the closed driver nothing can be marked any more. */
  async #markEnd(timeoutMs: number): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined || opened.handedOut === null || !this.#wasAskedForBookmark || !needsMark(opened)) return;
    const deadline = setTimeout(
      () => this.#marking.abort(this.#closedError("the reader was closed before its bookmark was made")),
      timeoutMs,
    );
    // Who asks for the bookmark gets the error.
    await ignoreRejection(opened.handedOut.mark());
    clearTimeout(deadline);
  }

  #closedError(message: string): StreamError {
    const { provider, topic } = this.#context;
    return new StreamError("closed", message, { provider, topic, operation: "read" });
  }

  #usedTwice(): StreamError {
    const { provider, topic } = this.#context;
    return new StreamError("conflict", "a reader is iterated once, by message or by batches; make another reader of the topic", {
      provider,
      topic,
      operation: "read",
    });
  }
}

/** A reader that still stands at its start needs no mark, unless that moves with the topic. */
function needsMark({ handedOut, buffer }: Pick<Opened<unknown>, "handedOut" | "buffer">): boolean {
  if (handedOut === null) return false;
  return !handedOut.isEmpty || [...buffer.places().values()].some(({ kind }) => kind === "latest");
}

/**
 * A reader of the topic; makes no call to the provider before it is iterated or asked for its bookmark.
 * @throws `invalid-argument` · `unsupported` · `position-mismatch` (a token of another provider)
 */
export function createReader<T, Input>(context: TypedTopic<T, Input>, options: ReaderOptions | undefined = {}): Reader<T> {
  try {
    return new RangeReader<T>(context, resolveReaderOptions(context, options));
  } catch (error) {
    throw context.toError(error, "read");
  }
}
