import { type HandleEvent, channels } from "../diagnostics/channels.ts";
import type { Message } from "../message.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { TopicContext } from "../topic-context.ts";

/** Calls the handler in the context of the tracing channel, and publishes when it ends. Returns or throws what the handler does. */
export function traceHandler(
  { provider, topic }: TopicContext,
  group: string,
  messages: readonly Message<unknown>[],
  attempt: number,
  invoke: () => unknown,
): unknown {
  const first = messages[0]!;
  const { partition, timestamp, headers } = first;
  const event: HandleEvent = {
    provider,
    topic,
    group,
    partition,
    timestamp,
    messages: messages.length,
    attempt,
    headers,
    // Made only when it is read: it costs more than the rest of the event.
    get position() {
      return first.position;
    },
  };
  const { start, end, asyncStart, asyncEnd, error } = channels.handle;
  const failed = (thrown: unknown): void => {
    event.error = thrown;
    error.publish(event);
  };
  return start.runStores(event, () => {
    try {
      const result = invoke();
      if (!isPromiseLike(result)) return result;
      return Promise.resolve(result)
        .catch((thrown: unknown) => {
          failed(thrown);
          throw thrown;
        })
        .finally(() => {
          asyncStart.publish(event);
          asyncEnd.publish(event);
        });
    } catch (thrown) {
      failed(thrown);
      throw thrown;
    } finally {
      end.publish(event);
    }
  });
}
