import type { StoredRecord } from "../../src/driver/record.ts";
import type { StartPoint } from "../../src/position/place.ts";
import { readerMutant, startMutant, withPlaces } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Just behind a message becomes at the message: it comes once more. */
export function offByOne(start: StartPoint): StartPoint {
  return withPlaces(start, (place) => (place.kind === "after" ? { ...place, kind: "at" } : place));
}

function stamped(records: readonly StoredRecord[]): readonly StoredRecord[] {
  const timestampMs = Date.now();
  return records.map((record) => override(record, { timestampMs }));
}

/** Says when a message was read, not when it was stored. */
const stampsTheTimeOfReading = driverMutant(
  "stamps-the-time-of-reading",
  () => (driver) =>
    override(driver, {
      consumer: (topic, settings) => {
        const consumer = driver.consumer(topic, settings);
        return override(consumer, {
          start: async (sink, signal) =>
            consumer.start(override(sink, { deliver: async (assignment, records) => sink.deliver(assignment, stamped(records)) }), signal),
        });
      },
      reader: (topic) => {
        const reader = driver.reader(topic);
        return override(reader, {
          read: async (partitions, sink, signal) =>
            reader.read(
              partitions,
              override(sink, { deliver: async (partition, records) => sink.deliver(partition, stamped(records)) }),
              signal,
            ),
        });
      },
    }),
);

/** Defects of where reading starts and what it hands out. */
export const replayMutants: readonly Mutant[] = [
  startMutant("bookmark-off-by-one", offByOne),
  startMutant("timestamp-off-by-one", (start) => (start.kind === "timestamp" ? { ...start, timestampMs: start.timestampMs + 1 } : start)),
  startMutant("latest-is-earliest", (start) => (start.kind === "latest" ? { kind: "earliest" } : start)),
  readerMutant("replays-without-the-first", (reader) => ({
    read: async (partitions, sink, signal) => {
      let isFirst = true;
      const without = override(sink, {
        deliver: async (partition, records) => {
          const kept = isFirst ? records.slice(1) : records;
          isFirst = false;
          return kept.length > 0 ? sink.deliver(partition, kept) : sink.advanced(partition, records[0]!.position);
        },
      });
      return reader.read(partitions, without, signal);
    },
  })),
  readerMutant("reads-without-bound", (reader) => ({
    read: async (partitions, sink, signal) => {
      const unbound = override(sink, {
        deliver: async (partition, records) => {
          // The defect: the driver gets room at once.
          void sink.deliver(partition, records);
          return true;
        },
      });
      return reader.read(partitions, unbound, signal);
    },
  })),
  readerMutant("advances-before-it-delivers", (reader) => ({
    read: async (partitions, sink, signal) => {
      const early = override(sink, {
        deliver: async (partition, records) => {
          sink.advanced(partition, records.at(-1)!.position);
          return sink.deliver(partition, records);
        },
      });
      return reader.read(partitions, early, signal);
    },
  })),
  stampsTheTimeOfReading,
  driverMutant("creates-missing-topics", () => (driver) => {
    const create = async (topic: string, signal: AbortSignal): Promise<void> => {
      const topics = await driver.admin.listTopics(signal);
      if (!topics.includes(topic)) await driver.admin.createTopic(topic, {}, signal);
    };
    return override(driver, {
      producer: (topic) => {
        const producer = driver.producer(topic);
        return override(producer, {
          prepare: async (signal) => {
            await create(topic, signal);
            return producer.prepare(signal);
          },
        });
      },
      admin: override(driver.admin, {
        describeTopic: async (topic, signal) => {
          await create(topic, signal);
          return driver.admin.describeTopic(topic, signal);
        },
      }),
    });
  }),
];
