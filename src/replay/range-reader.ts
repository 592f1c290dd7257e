import { abortable } from "../abortable.ts";
import type { ReaderDriver } from "../driver/reader-driver.ts";
import { StreamError } from "../errors.ts";
import type { Message } from "../message.ts";
import { type CloseOptions, closeTimeoutMs } from "../options.ts";
import type { Bookmark, TopicIdentity } from "../position.ts";
import type { TopicContext } from "../topic-context.ts";
import { acceptGap } from "./accept-gap.ts";
import { encodeBookmark } from "./bookmark.ts";
import { openRange, sourceOf } from "./open-range.ts";
import { type Pull, PullIterator } from "./pull-iterator.ts";
import { RangeFeed } from "./range-feed.ts";
import { RangePull } from "./range-pull.ts";
import type { ReaderPlan } from "./reader-plan.ts";
import type { Reader } from "./reader-types.ts";
import { RecordDecoder } from "./record-decoder.ts";

interface Opened<T> {
  readonly identity: TopicIdentity;
  readonly feed: RangeFeed;
  readonly pull: RangePull<T>;
}

/** One range, read once. It is resolved at the first use, read from the first `next`, and closed when the reading ends. */
export class RangeReader<T> implements Reader<T> {
  readonly #context: TopicContext<T, never>;
  readonly #plan: ReaderPlan;
  readonly #abort = new AbortController();
  #driverReader: ReaderDriver | undefined;
  #opening: Promise<Opened<T>> | undefined;
  #opened: Opened<T> | undefined;
  #iterated = false;
  #closing: Promise<void> | undefined;
  /** What the iteration rejects with when the connection closed before its end. */
  #cut: StreamError | undefined;
  #untrack: (() => void) | undefined;

  constructor(context: TopicContext<T, never>, plan: ReaderPlan) {
    this.#context = context;
    this.#plan = plan;
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
    const { identity, feed } = this.#opened ?? (await this.#open());
    return encodeBookmark(this.#context.provider, identity, feed.places());
  }

  /** @param options `timeoutMs`: how long a driver may take to stop before it is left behind */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  /** Nobody asked this reader to end: what it has not handed out is missing, and the iteration says so. */
  #cutShort(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(
      options,
      this.#closedError("the connection was closed before the reader had come to the end of its range"),
    );
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #iterate<Item extends object>(pullFrom: (pull: RangePull<T>) => ReturnType<Pull<Item>>): PullIterator<Item> {
    if (this.#iterated) throw this.#usedTwice();
    this.#iterated = true;
    let started = false;
    const pull: Pull<Item> = () => {
      if (started) return pullFrom(this.#opened!.pull);
      started = true;
      return this.#start(pullFrom);
    };
    return new PullIterator(pull, () => this.close());
  }

  async #start<Item extends object>(pullFrom: (pull: RangePull<T>) => ReturnType<Pull<Item>>): Promise<Item | undefined> {
    try {
      // A reader that was closed before is refused; one that is closed while it opens just ends.
      if (this.#closing !== undefined) throw this.#closedError("the reader is closed");
      const { feed, pull } = await this.#open();
      feed.start();
      return await pullFrom(pull);
    } catch (error) {
      if (error === this.#abort.signal.reason && error !== this.#cut) return undefined;
      throw error;
    }
  }

  #open(): Promise<Opened<T>> {
    this.#opening ??= this.#openOnce();
    return this.#opening;
  }

  async #openOnce(): Promise<Opened<T>> {
    const context = this.#context;
    const { signal } = this.#abort;
    try {
      context.requireOpen("read");
      if (this.#closing !== undefined) throw this.#closedError("the reader was closed before its range was known");
      this.#untrack = context.track({ stage: "reader", close: (options) => this.#cutShort(options) });
      const reader = context.driver.reader(context.nativeTopic);
      this.#driverReader = reader;
      const { identity, partitions, endedBefore } = await openRange(context, this.#plan, reader, signal);
      signal.throwIfAborted();
      const feed = new RangeFeed(
        {
          reader,
          compare: (a, b) => context.driver.compare(a, b),
          sourceOf: (partition) => sourceOf(context, identity, partition),
          maxBufferedBytes: this.#plan.maxBufferedBytes,
          takesNewPartitions: this.#plan.endless && this.#plan.partitions === null,
          gap: (partition, gap) => acceptGap("reader", sourceOf(context, identity, partition), gap, this.#plan.onGap),
          toError: (error) => context.toError(error, "read"),
        },
        partitions,
        endedBefore,
      );
      const pull = new RangePull(feed, new RecordDecoder<T>(context, this.#plan.onCorrupt), this.#plan, signal);
      this.#opened = { identity, feed, pull };
      return this.#opened;
    } catch (error) {
      if (error === signal.reason) throw error;
      const known = context.toError(error, "read");
      // A reader that could not open has nothing to close later. Not awaited: `close` never rejects, and the error is not to wait.
      void this.close();
      throw known;
    }
  }

  async #close(options: CloseOptions, cut?: StreamError): Promise<void> {
    this.#cut = cut;
    this.#abort.abort(cut ?? this.#closedError("the reader was closed"));
    const stopped = this.#stop();
    try {
      // A closing connection gives what is left of its time, a fraction; the signal takes whole milliseconds only.
      await abortable(stopped, AbortSignal.timeout(Math.ceil(closeTimeoutMs(options))));
    } catch {
      // The driver did not stop in time, or broke its word on the way out: nothing that the application could act on.
    }
    this.#untrack?.();
  }

  async #stop(): Promise<void> {
    await this.#opened?.feed.close(this.#cut);
    await this.#driverReader?.close();
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
