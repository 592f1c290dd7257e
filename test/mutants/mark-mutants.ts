import type { RangePartition, ReaderDriver } from "../../src/driver/reader-driver.ts";
import type { StoredRecord } from "../../src/driver/record.ts";
import { readerMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

/** A defect of readers whose provider itself keeps what was read. */
function markMutant(name: string, change: (reader: ReaderDriver) => Partial<ReaderDriver>): Mutant {
  return { ...readerMutant(name, change), like: "pubsub" };
}

/** Takes records that are delivered for read, whether or not the application gets them. */
function acknowledges(reader: ReaderDriver, isRead: (record: StoredRecord, range: RangePartition) => boolean): Partial<ReaderDriver> {
  return {
    read: async (partitions, sink, signal) => {
      const ranges = new Map(partitions.map((range) => [range.partition, range]));
      const early = override(sink, {
        deliver: async (partition, records) => {
          for (const record of records) if (isRead(record, ranges.get(partition)!)) reader.handedOut?.(partition, record);
          return sink.deliver(partition, records);
        },
      });
      return reader.read(partitions, early, signal);
    },
  };
}

/** Defects of providers without an order between keys. */
export const markMutants: readonly Mutant[] = [
  markMutant("mark-covers-what-was-delivered", (reader) => acknowledges(reader, () => true)),
  markMutant("mark-covers-what-is-withheld", (reader) =>
    acknowledges(reader, ({ timestampMs }, { end }) => end?.kind === "stored-before" && timestampMs >= end.timestampMs),
  ),
  markMutant("mark-forgets-what-was-handed-out", (reader) => {
    let isMarked = false;
    return {
      handedOut: (partition, record) => {
        if (!isMarked) reader.handedOut?.(partition, record);
      },
      mark: async (signal) => {
        isMarked = true;
        return reader.mark!(signal);
      },
    };
  }),
  markMutant("ends-at-the-first-later-record", (reader) => ({
    resolve: async (request, signal) => {
      const range = await reader.resolve(request, signal);
      const partitions = range.partitions.map(({ end, ...partition }): RangePartition => {
        return { ...partition, end: end?.kind === "stored-before" ? { kind: "timestamp", timestampMs: end.timestampMs } : end };
      });
      return { ...range, partitions };
    },
  })),
];
