import { StreamError } from "../../src/errors.ts";
import { readerMutant, sinkMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Defects in what becomes of what cannot be read. */
export const unreadableMutants: readonly Mutant[] = [
  sinkMutant("passes-over-what-cannot-be-read", (sink) => ({
    unreadable: async (assignment, { last }) => sink.advanced(assignment, last),
  })),
  sinkMutant("ends-at-what-cannot-be-read", (sink) => ({
    unreadable: async (_assignment, { reason }) => sink.failed(new StreamError("corrupt", reason)),
  })),
  sinkMutant("takes-the-first-look-for-the-last", (sink) => ({
    deliver: async (assignment, records) => {
      const [first, ...others] = records;
      if (first === undefined) return;
      const { position } = first;
      await sink.unreadable(assignment, { first: position, last: position, reason: "looked at once only", cause: undefined });
      await sink.deliver(assignment, others);
    },
  })),
  readerMutant("reader-passes-over-what-cannot-be-read", (reader) => ({
    read: async (partitions, sink, signal) =>
      reader.read(partitions, override(sink, { unreadable: async (partition, { last }) => sink.advanced(partition, last) }), signal),
  })),
];
