import type { StoredRecord } from "../../src/driver/record.ts";
import { readerMutant, sinkMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

const MEGABYTE = 1_048_576;

/** Leaves out the record behind each megabyte of a partition. */
function leaveOutBehindAMegabyte(): (partition: string, records: readonly StoredRecord[]) => readonly StoredRecord[] {
  const bytesOf = new Map<string, number>();
  return (partition, records) =>
    records.filter(({ value }) => {
      const bytes = bytesOf.get(partition) ?? 0;
      const isLeftOut = bytes >= MEGABYTE;
      bytesOf.set(partition, isLeftOut ? 0 : bytes + (value?.length ?? 0));
      return !isLeftOut;
    });
}

/** Defects of how much is taken in at once. */
export const portionMutants: readonly Mutant[] = [
  readerMutant("reader-skips-behind-a-megabyte", (reader) => ({
    read: async (partitions, sink, signal) => {
      const kept = leaveOutBehindAMegabyte();
      const deliver: typeof sink.deliver = async (partition, records) => {
        const rest = kept(partition, records);
        return rest.length === 0 ? true : sink.deliver(partition, rest);
      };
      await reader.read(partitions, override(sink, { deliver }), signal);
    },
  })),
  sinkMutant("member-skips-behind-a-megabyte", (sink) => {
    const kept = leaveOutBehindAMegabyte();
    return {
      deliver: async (assignment, records) => {
        const rest = kept(assignment.partition, records);
        if (rest.length > 0) await sink.deliver(assignment, rest);
      },
    };
  }),
];
