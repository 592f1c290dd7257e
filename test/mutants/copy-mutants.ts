import type { Connection } from "../../src/connection-types.ts";
import { StreamError, isStreamError } from "../../src/errors.ts";
import { type AnyTopicOptions, producerCallsMutant } from "./connection-parts.ts";
import { type Mutant, connectionMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** The same error for this copy of the package, and nothing in particular for any other. */
class UnmarkedError extends Error {
  readonly code: string;

  constructor({ code, message }: StreamError) {
    super(message);
    this.code = code;
  }
}

/** Defects of where two copies of the package meet. */
export const copyMutants: readonly Mutant[] = [
  producerCallsMutant("errors-without-the-mark", (producer) => ({
    send: async (message, options) => {
      try {
        return await producer.send(message, options);
      } catch (error) {
        throw isStreamError(error) ? new UnmarkedError(error) : error;
      }
    },
  })),
  connectionMutant("wraps-errors-of-another-copy", () => (connection) => {
    const topic = (name: string, options: AnyTopicOptions): unknown =>
      connection.topic(name, {
        ...options,
        codec: {
          encode: (value: unknown, target) => {
            try {
              return options.codec.encode(value, target);
            } catch (cause) {
              throw cause instanceof Error && cause.constructor === StreamError ? cause : new Error("a foreign error", { cause });
            }
          },
          decode: (bytes, message) => options.codec.decode(bytes, message),
        },
      });
    return override(connection, { topic: topic as Connection["topic"] });
  }),
];
