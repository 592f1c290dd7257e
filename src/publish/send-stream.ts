import { describeValue } from "../checked-options.ts";
import { StreamError, isStreamError } from "../errors.ts";
import type { StreamSend } from "./stream-send.ts";

/** How much of a stream may be under way, whatever the byte bound of the producer says. */
const MAX_OPEN_MESSAGES = 8_192;

export interface StreamWindow {
  readonly maxOpenBytes: number;
  /** Do other calls of the producer leave room? */
  hasRoom(): boolean;
}

type Source<Item> = AsyncIterable<Item> | Iterable<Item>;
type Pulled<Item> = IteratorResult<Item> | Promise<IteratorResult<Item>>;

/**
 * Pulls messages at the pace at which they are stored. At the first failure it stops pulling, tells the source by `return`,
 * and throws as soon as all that was pulled before the failure has settled; what was pulled behind it may still be under way then.
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

/** Until the source is done or the group has failed. Never rejects: what the source throws becomes the group's failure. */
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
    // The source itself threw, and so has ended.
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

/** The next item, or `null` as soon as the group has failed: a source that hangs does not keep a failure back. */
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
    // Not awaited: a source that hangs would keep the failure back. Its own error comes too late to be of use.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  } catch {
    // As above.
  }
}
