import type { Capabilities } from "../../src/capabilities.ts";
import type { Connection } from "../../src/connection-types.ts";
import { StreamError } from "../../src/errors.ts";
import { type AnyTopicOptions, consumerCallsMutant, topicMutant } from "./connection-parts.ts";
import { type Mutant, connectionMutant, overrideOpened } from "./mutant.ts";
import { override } from "./override.ts";

const FOR_EVER_MS = 2 ** 31 - 1;

/** Leaves everything open. */
const closeDoesNothing = connectionMutant("close-does-nothing", () => (connection) => {
  const topic = (name: string, options: AnyTopicOptions): unknown => {
    const original = connection.topic(name, options);
    return override(original, {
      producer: (producerOptions) => override(original.producer(producerOptions), { close: async () => undefined }),
      consumer: (consumerOptions) => override(original.consumer(consumerOptions), { close: async () => undefined }),
      reader: (readerOptions) => override(original.reader(readerOptions), { close: async () => undefined }),
    });
  };
  return override(connection, { topic: topic as Connection["topic"], close: async () => undefined });
});

/** Declares something else as soon as it was used. */
const capabilitiesChange = connectionMutant("capabilities-change", () => (connection) => {
  let isUsed = false;
  const topic: Connection["topic"] = (name, options) => {
    isUsed = true;
    return connection.topic(name, options);
  };
  return override(connection, {
    topic,
    get capabilities(): Capabilities {
      return isUsed ? { ...connection.capabilities, tombstones: !connection.capabilities.tombstones } : connection.capabilities;
    },
  });
});

/** Ends the loops of readers with an error when the connection closes. */
const breaksLoops = connectionMutant("breaks-loops-when-the-connection-closes", () => (connection) => {
  let isClosing = false;
  const topic = (name: string, options: AnyTopicOptions): unknown => {
    const original = connection.topic(name, options);
    return override(original, {
      reader: (readerOptions) => {
        const reader = original.reader(readerOptions);
        return override(reader, {
          [Symbol.asyncIterator]: () => {
            const iterator = reader[Symbol.asyncIterator]();
            return override(iterator, {
              next: async () => {
                const result = await iterator.next();
                if (isClosing && result.done === true) throw new StreamError("closed", "the connection was closed");
                return result;
              },
            });
          },
        });
      },
    });
  };
  const close: Connection["close"] = async (options) => {
    isClosing = true;
    await connection.close(options);
  };
  return override(connection, { topic: topic as Connection["topic"], close });
});

/** Refuses queued messages once the connection closes. */
const closeDropsWhatIsQueued: Mutant = {
  name: "close-drops-what-is-queued",
  break: () => {
    let isClosing = false;
    const error = new StreamError("closed", "the connection is closing");
    return {
      driver: (driver) =>
        overrideOpened(driver, (opened) =>
          override(opened, {
            producer: (topic) => {
              const producer = opened.producer(topic);
              return override(producer, {
                write: async (call, signal) =>
                  isClosing ? call.slices.map(() => ({ outcome: "refused", error })) : producer.write(call, signal),
              });
            },
          }),
        ),
      connection: (connection) =>
        override(connection, {
          close: async (options) => {
            isClosing = true;
            await connection.close(options);
          },
        }),
    };
  },
};

/** Defects of closing. */
export const closingMutants: readonly Mutant[] = [
  closeDoesNothing,
  capabilitiesChange,
  closeDropsWhatIsQueued,
  breaksLoops,
  topicMutant("no-bookmark-unless-read", (topic) => ({
    reader: (options) => {
      const reader = topic.reader(options);
      let isClosed = false;
      let isRead = false;
      return override(reader, {
        [Symbol.asyncIterator]: () => {
          const iterator = reader[Symbol.asyncIterator]();
          return override(iterator, {
            next: async () => {
              const result = await iterator.next();
              isRead ||= result.done !== true;
              return result;
            },
          });
        },
        close: async () => {
          isClosed = true;
          await reader.close();
        },
        bookmark: async () => {
          if (isClosed && !isRead) throw new StreamError("closed", "the reader was closed before its range was known");
          return reader.bookmark();
        },
      });
    },
  })),
  connectionMutant(
    "close-abandons-handlers",
    () => (connection) => override(connection, { close: async () => connection.close({ timeoutMs: 0 }) }),
  ),
  connectionMutant(
    "close-waits-for-ever",
    () => (connection) => override(connection, { close: async () => connection.close({ timeoutMs: FOR_EVER_MS }) }),
  ),
  consumerCallsMutant("close-hangs-after-a-failed-start", (consumer) => {
    let hasFailed = false;
    return {
      run: async (handler) => {
        try {
          await consumer.run(handler);
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      },
      close: async (options) => (hasFailed ? new Promise<void>(() => undefined) : consumer.close(options)),
    };
  }),
];
