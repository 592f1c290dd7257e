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
 * Pulls messages at the pace at which they are stored. At the first failure it stops pulling, tells the source by `return`
 * and throws; what was pulled before is still under way then.
 */
export async function sendStream<Item>(
  source: Source<Item>,
  group: StreamSend,
  window: StreamWindow,
  send: (message: Item) => void,
): Promise<number> {
  let iterator: AsyncIterator<Item> | Iterator<Item> | null = null;
  let isDone = false;
  try {
    iterator = iteratorOf(source);
    while (group.failure === null) {
      while (group.failure === null && isFull(group, window)) await changed(group);
      if (group.failure !== null) break;
      const step = iterator.next() as Pulled<Item>;
      const result = isPromise(step) ? await unlessFailed(step, group) : step;
      if (result === null) break;
      if (result.done === true) {
        isDone = true;
        break;
      }
      send(result.value);
    }
    while (group.failure === null && group.openCount > 0) await changed(group);
  } catch (error) {
    // The source itself threw, and so has ended.
    isDone = true;
    throw isStreamError(error) ? error : new StreamError("invalid-argument", "the source of the messages failed", { cause: error });
  } finally {
    group.end();
    if (!isDone && iterator !== null) endSource(iterator);
  }
  if (group.failure !== null) throw group.failure.error;
  return group.storedCount;
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
      if (group.failure === null) group.notify(onChange);
      else resolve(null);
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
