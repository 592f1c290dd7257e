import type { Assignment } from "../../src/driver/consumer-driver.ts";
import type { StoredRecord } from "../../src/driver/record.ts";
import { readerMutant, sinkMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Defects that show where the end of a log lies behind its last message, or where messages are missing in its middle. */
export const compactionMutants: readonly Mutant[] = [
  readerMutant("stops-early-on-a-compacted-tail", (reader) => ({
    read: async (partitions, sink, signal) => {
      // Holds the last record back until another comes or the end is reached, and forgets it where the end is no record.
      const held = new Map<string, StoredRecord>();
      const flush = async (partition: string): Promise<boolean> => {
        const record = held.get(partition);
        held.delete(partition);
        return record === undefined || sink.deliver(partition, [record]);
      };
      const stopping = override(sink, {
        deliver: async (partition, records) => {
          const before = held.get(partition);
          held.set(partition, records.at(-1)!);
          return sink.deliver(partition, [...(before === undefined ? [] : [before]), ...records.slice(0, -1)]);
        },
        advanced: (partition, through) => {
          held.delete(partition);
          return sink.advanced(partition, through);
        },
        caughtUp: (partition) => {
          void flush(partition);
          return sink.caughtUp(partition);
        },
      });
      return reader.read(partitions, stopping, signal);
    },
  })),
  readerMutant("reports-holes-too-early", (reader) => ({
    read: async (partitions, sink, signal) => {
      const held = new Map<string, readonly StoredRecord[]>();
      const flush = async (partition: string): Promise<boolean> => {
        const records = held.get(partition);
        held.delete(partition);
        return records === undefined || sink.deliver(partition, records);
      };
      const early = override(sink, {
        deliver: async (partition, records) => {
          const goesOn = await flush(partition);
          held.set(partition, records);
          return goesOn;
        },
        advanced: (partition, through) => {
          const goesOn = sink.advanced(partition, through);
          void flush(partition);
          return goesOn;
        },
        caughtUp: (partition) => {
          void flush(partition);
          return sink.caughtUp(partition);
        },
        ended: (partition, children) => {
          void flush(partition);
          sink.ended(partition, children);
        },
      });
      return reader.read(partitions, early, signal);
    },
  })),
  readerMutant("ends-at-a-compacted-tail", (reader) => ({
    read: async (partitions, sink, signal) => {
      const ending = override(sink, {
        advanced: (partition) => {
          sink.ended(partition, []);
          return false;
        },
      });
      return reader.read(partitions, ending, signal);
    },
  })),
  sinkMutant("reports-holes-to-members-too-early", (sink) => {
    const held = new Map<Assignment, readonly StoredRecord[]>();
    const flush = async (assignment: Assignment): Promise<void> => {
      const records = held.get(assignment);
      held.delete(assignment);
      if (records !== undefined) await sink.deliver(assignment, records);
    };
    return {
      deliver: async (assignment, records) => {
        await flush(assignment);
        held.set(assignment, records);
      },
      advanced: (assignment, through) => {
        sink.advanced(assignment, through);
        void flush(assignment);
      },
      caughtUp: (assignment) => {
        void flush(assignment);
        sink.caughtUp(assignment);
      },
    };
  }),
  sinkMutant("overlooks-what-is-removed", () => ({ advanced: () => undefined })),
  sinkMutant("takes-compaction-for-a-gap", (sink) => {
    const next = new Map<Assignment, bigint>();
    return {
      deliver: async (assignment, records) => {
        const first = BigInt(records[0]!.position);
        const { start } = assignment;
        const expected = next.get(assignment) ?? (start?.kind === "at" ? BigInt(start.position) : first);
        next.set(assignment, BigInt(records.at(-1)!.position) + 1n);
        if (first > expected)
          await sink.gap(assignment, { resumesAt: { kind: "at", position: records[0]!.position }, missing: Number(first - expected) });
        return sink.deliver(assignment, records);
      },
    };
  }),
];
