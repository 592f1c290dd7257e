import { setTimeout as later } from "node:timers/promises";
import type { CloseOptions } from "../../src/call-options.ts";
import type { Connection } from "../../src/connection-types.ts";
import { type AnyTopicOptions, producerCallsMutant, topicMutant } from "./connection-parts.ts";
import { producerMutant } from "./driver-parts.ts";
import { type Mutant, connectionMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Later than what is called meanwhile, also on a busy machine. */
const LATE_MS = 500;

interface CanClose {
  close(options?: CloseOptions): Promise<void>;
}

function closingLate<Part extends CanClose>(part: Part): Part {
  const close = async (options?: CloseOptions): Promise<void> => {
    await later(LATE_MS);
    await part.close(options);
  };
  return override(part, { close } as Partial<Part>);
}

function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** Defects of what may be called when. */
export const lifecycleMutants: readonly Mutant[] = [
  // Takes what comes until it gets round to closing.
  connectionMutant("closes-late", () => (connection) => {
    const topic = (name: string, options: AnyTopicOptions): unknown => {
      const original = connection.topic(name, options);
      return override(original, {
        producer: (producerOptions) => closingLate(original.producer(producerOptions)),
        consumer: (consumerOptions) => closingLate(original.consumer(consumerOptions)),
        reader: (readerOptions) => closingLate(original.reader(readerOptions)),
      });
    };
    return closingLate(override(connection, { topic: topic as Connection["topic"] }));
  }),
  connectionMutant("check-never-answers", () => (connection) => override(connection, { check: never })),
  producerCallsMutant("flush-never-answers", () => ({ flush: never })),
  producerMutant("preparing-never-ends", () => ({ prepare: never })),
  topicMutant("runs-as-often-as-asked", (topic) => ({
    consumer: (options) => {
      const first = topic.consumer(options);
      let isUsed = false;
      return override(first, {
        run: async (handler) => {
          if (!isUsed) {
            isUsed = true;
            return first.run(handler);
          }
          const another = topic.consumer(options);
          setTimeout(() => void another.close(), LATE_MS);
          return another.run(handler);
        },
      });
    },
  })),
  topicMutant("reads-as-often-as-asked", (topic) => ({
    reader: (options) => {
      const first = topic.reader(options);
      let isUsed = false;
      return override(first, {
        [Symbol.asyncIterator]: () => {
          const reader = isUsed ? topic.reader(options) : first;
          isUsed = true;
          return reader[Symbol.asyncIterator]();
        },
      });
    },
  })),
];
