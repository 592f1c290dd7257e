import type { MessageHandler } from "../../src/consume/consumer-types.ts";
import { StreamError } from "../../src/errors.ts";
import {
  type AnyConsumer,
  batchHandlerMutant,
  consumerCallsMutant,
  consumerOptionsMutant,
  handlerMutant,
  readerOptionsMutant,
  topicMutant,
} from "./connection-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Takes a failed message for handled, and calls its handler again behind the next of its key. */
function retriesAtTheEnd(handler: MessageHandler<unknown>): MessageHandler<unknown> {
  const failed = new Map<string | null, () => Promise<void>>();
  return async (message, context) => {
    const attempt = async (number: number): Promise<void> => {
      try {
        await handler(message, { ...context, attempt: number });
      } catch {
        failed.set(message.key, async () => attempt(number + 1));
      }
    };
    const again = failed.get(message.key);
    failed.delete(message.key);
    await attempt(1);
    await again?.();
  };
}

/** Counts the message as handled before `run` rejects. */
function settlesWhatFailed(consumer: AnyConsumer): Partial<AnyConsumer> {
  return {
    run: async (handler) => {
      let failure: unknown = null;
      let hasFailed = false;
      await consumer.run(async (message, context) => {
        try {
          await handler(message, context);
        } catch (error) {
          hasFailed = true;
          failure = error;
          // Late enough for everything before the message to be handled as well.
          setTimeout(() => void consumer.close(), 20);
        }
      });
      if (hasFailed) throw new StreamError("handler-failed", "the handler failed", { cause: failure });
    },
  };
}

/** Asks for the next message before the application does. */
function iterationRunsAhead(consumer: AnyConsumer): Partial<AnyConsumer> {
  return {
    [Symbol.asyncIterator]: () => {
      const inner = consumer[Symbol.asyncIterator]();
      let ahead = inner.next();
      return {
        next: async () => {
          const result = await ahead;
          if (result.done !== true) ahead = inner.next();
          return result;
        },
        return: async () => {
          await inner.return?.();
          await ahead;
          return { done: true, value: undefined };
        },
      };
    },
  };
}

const RARELY = { everyMs: 3_600_000, everyMessages: 1_000_000 };

/** Defects of consumers and readers above the driver. */
export const consumingCoreMutants: readonly Mutant[] = [
  handlerMutant("retries-at-the-end", () => retriesAtTheEnd),
  handlerMutant("skips-what-failed", () => (handler) => async (message, context) => {
    try {
      await handler(message, context);
    } catch {
      // The defect: a failure counts as success.
    }
  }),
  handlerMutant("takes-a-rejection-for-success", () => (handler) => async (message, context) => {
    const result = handler(message, context);
    await Promise.resolve(result).catch(() => undefined);
  }),
  handlerMutant("does-not-wait-for-late-handlers", () => (handler) => async (message, context) => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    context.signal.addEventListener("abort", () => reject(context.signal.reason as Error));
    await Promise.race([Promise.resolve(handler(message, context)), late]);
  }),
  batchHandlerMutant(
    "ignores-a-failed-member-of-a-batch",
    (handler) => (messages, context) =>
      handler(messages, { ...context, signal: context.signal, attempt: context.attempt, epoch: context.epoch, fail: () => undefined }),
  ),
  consumerCallsMutant("settles-what-failed", settlesWhatFailed),
  consumerCallsMutant("iteration-handles-on-handout", iterationRunsAhead),
  consumerCallsMutant("pause-does-nothing", () => ({ pause: () => undefined })),
  consumerOptionsMutant("forgets-the-order-option", (options) => ({ ...options, order: "none" })),
  consumerOptionsMutant("orders-by-partition", (options) => ({ ...options, order: "partition" })),
  consumerOptionsMutant("orders-by-key-always", (options) => ({ ...options, order: "key" })),
  consumerOptionsMutant("handles-one-at-a-time", (options) => ({ ...options, concurrency: 1 })),
  consumerOptionsMutant("forgets-the-concurrency", (options) => ({ ...options, concurrency: 64 })),
  consumerOptionsMutant("does-not-wait-for-on-assigned", ({ onAssigned, ...options }) => ({
    ...options,
    onAssigned: (partitions) => void onAssigned?.(partitions),
  })),
  consumerOptionsMutant("does-not-wait-for-on-revoked", ({ onRevoked, ...options }) => ({
    ...options,
    onRevoked: (partitions) => void onRevoked?.(partitions),
  })),
  consumerOptionsMutant("waits-until-a-batch-is-full", (options) => ({ ...options, batch: { ...options.batch, maxWaitMs: 3_600_000 } })),
  consumerOptionsMutant("forgets-the-option-ahead", (options) => ({ ...options, commit: { ...options.commit, ahead: undefined } })),
  consumerOptionsMutant("settles-at-close-only", (options) => ({ ...options, commit: RARELY })),
  consumerOptionsMutant("stops-at-what-failed", (options) => ({ ...options, onFailure: "stop" })),
  consumerOptionsMutant("ignores-max-ahead", ({ maxAhead: _, ...options }) => options),
  consumerOptionsMutant("forgets-to-report-revocation", ({ onRevoked: _, ...options }) => options),
  consumerOptionsMutant("retries-everything", ({ retry: { retryable: _, ...retry } = {}, ...options }) => ({ ...options, retry })),
  consumerOptionsMutant("dead-letter-target-checked-late", ({ onFailure, ...options }) =>
    onFailure === undefined ? options : { ...options, onFailure: typeof onFailure === "function" ? onFailure : () => onFailure },
  ),
  topicMutant("forgets-to-report-loss", (topic) => ({
    consumer: (options) => {
      let isClosing = false;
      const onRevoked = (partitions: readonly string[]): unknown => (isClosing ? options.onRevoked?.(partitions) : undefined);
      const consumer = topic.consumer({ ...options, onRevoked });
      return override(consumer, {
        close: async (closeOptions) => {
          isClosing = true;
          await consumer.close(closeOptions);
        },
      });
    },
  })),
  topicMutant("headers-with-a-prototype", (topic) => ({
    reader: (options) => {
      const reader = topic.reader(options);
      return override(reader, {
        [Symbol.asyncIterator]: () => {
          const iterator = reader[Symbol.asyncIterator]();
          return override(iterator, {
            next: async () => {
              const { done, value } = await iterator.next();
              return done === true ? { done, value } : { done: false, value: override(value, { headers: { ...value.headers } }) };
            },
          });
        },
      });
    },
  })),
  topicMutant("bookmarks-wait-for-the-next", (topic) => ({
    reader: (options) => {
      const reader = topic.reader(options);
      let next: Promise<unknown> = Promise.resolve();
      return override(reader, {
        [Symbol.asyncIterator]: () => {
          const iterator = reader[Symbol.asyncIterator]();
          return override(iterator, {
            next: async () => {
              const result = Promise.resolve(iterator.next());
              next = result;
              return result;
            },
          });
        },
        bookmark: async () => {
          await next;
          return reader.bookmark();
        },
      });
    },
  })),
  readerOptionsMutant("follower-ends-at-now", (options) => ({ ...options, until: options.until ?? "now" })),
  topicMutant(
    "hides-what-cannot-be-decoded",
    () => ({}),
    (options) => ({
      ...options,
      codec: {
        encode: (value, target) => options.codec.encode(value, target),
        decode: async (bytes, message) => {
          try {
            return await options.codec.decode(bytes, message);
          } catch {
            return "";
          }
        },
      },
    }),
  ),
];
