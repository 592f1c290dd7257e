import { type HandleEvent, channels } from "../diagnostics/channels.ts";
import { isPromiseLike } from "../promise-like.ts";

/** Calls the handler with the context of the tracing channel active, and tells its end; the outcome is handed through. */
export function traceHandler(event: HandleEvent, call: () => unknown): unknown {
  const { start, end, asyncStart, asyncEnd, error } = channels.handle;
  const failed = (thrown: unknown): void => {
    event.error = thrown;
    error.publish(event);
  };
  return start.runStores(event, () => {
    try {
      const result = call();
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
