import type { Admin } from "../../src/admin/admin-types.ts";
import { OpenConnection } from "../../src/connection.ts";
import type { Connection } from "../../src/connection-types.ts";
import type { CallShape } from "../../src/driver/producer-driver.ts";
import { StreamError, isStreamError } from "../../src/errors.ts";
import { CLAIMED } from "./change-records.ts";
import { type AnyProducer, type AnyTopicOptions, producerCallsMutant, topicMutant } from "./connection-parts.ts";
import { adminMutant, producerMutant, sinkMutant } from "./driver-parts.ts";
import { type Mutant, connectionMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Without the properties that it does not know, at any depth. */
function withoutSurprises<Options>(options: Options): Options {
  if (typeof options !== "object" || options === null || Array.isArray(options) || options instanceof AbortSignal) return options;
  const known = Object.entries(options).filter(([name]) => name !== "surprise");
  return Object.fromEntries(known.map(([name, value]) => [name, withoutSurprises<unknown>(value)])) as Options;
}

/** Closes what handlers may still want to send with before the handlers. */
const closesProducersFirst = connectionMutant("closes-producers-first", () => (connection) => {
  const producers: AnyProducer[] = [];
  const topic = (name: string, options: AnyTopicOptions): unknown => {
    const original = connection.topic(name, options);
    return override(original, {
      producer: (producerOptions) => {
        const producer = original.producer(producerOptions);
        producers.push(producer);
        return producer;
      },
    });
  };
  return override(connection, {
    topic: topic as Connection["topic"],
    close: async (options) => {
      await Promise.all(producers.map(async (producer) => producer.close(options)));
      await connection.close(options);
    },
  });
});

/** Administration ignores the signal of its caller. */
const adminIgnoresSignals = connectionMutant("admin-ignores-signals", () => (connection) => {
  const admin = connection.admin as Admin<"topicListing">;
  return override(connection, {
    admin: override(admin, {
      describeTopic: async (topic) => admin.describeTopic(topic),
      listTopics: async () => admin.listTopics(),
    }),
  });
});

/** Defects of how single calls end. */
/** A core that tries once what has no time of its own. */
const triesCallsOnce = connectionMutant("tries-calls-once", () => (connection) => {
  OpenConnection.inspectionOf(connection).tryOnce();
  return connection;
});

/** Reports that nothing was done, although the outcome is unknown. */
const deniesItsWork = adminMutant("takes-its-own-work-for-that-of-others", (admin) => {
  const denying = async (change: Promise<void>): Promise<void> => {
    try {
      await change;
    } catch (cause) {
      throw isStreamError(cause, "outcome-unknown") ? new StreamError("unavailable", "nothing was done", { cause }) : cause;
    }
  };
  return {
    createTopic: async (topic, settings, signal) => denying(admin.createTopic(topic, settings, signal)),
    deleteTopic: async (topic, signal) => denying(admin.deleteTopic(topic, signal)),
  };
});

export const callMutants: readonly Mutant[] = [
  closesProducersFirst,
  triesCallsOnce,
  deniesItsWork,
  adminIgnoresSignals,
  adminMutant("outages-are-defects", (admin) => ({
    describeTopic: async (topic, signal) => {
      try {
        return await admin.describeTopic(topic, signal);
      } catch (cause) {
        if (!isStreamError(cause, "unavailable")) throw cause;
        throw new StreamError("internal", "something went wrong", { cause });
      }
    },
  })),
  producerCallsMutant("abort-hides-the-outcome", (producer) => ({
    send: async (message, options) => {
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      options?.signal?.addEventListener("abort", () => reject(options.signal?.reason as Error));
      return Promise.race([aborted, producer.send(message, options)]);
    },
  })),
  topicMutant("ignores-unknown-options", (topic) => ({
    producer: (options) => topic.producer(withoutSurprises(options)),
    consumer: (options) => topic.consumer(withoutSurprises(options)),
    reader: (options) => topic.reader(withoutSurprises(options)),
  })),
  producerMutant("stores-the-first-of-a-call", (producer) => {
    const { shape }: { readonly shape: CallShape } = producer;
    return {
      shape: { ...shape, maxLaneBytes: shape.maxCallBytes },
      write: async (call, signal) => {
        const [slice] = call.slices;
        const first = { ...slice!, records: slice!.records.slice(0, 1) };
        await producer.write({ ...call, slices: [first] }, signal);
        return call.slices.map(() => CLAIMED);
      },
    };
  }),
  sinkMutant("buffers-without-bound", (sink) => ({
    deliver: async (assignment, records) => {
      // The defect: the driver gets room at once.
      void sink.deliver(assignment, records);
    },
  })),
];
