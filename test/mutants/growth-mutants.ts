import { readerMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Defects of readers on topics that grow. */
export const growthMutants: readonly Mutant[] = [
  readerMutant("reader-overlooks-added-partitions", (reader) => ({
    read: async (partitions, sink, signal) => {
      const overlooking = override(sink, {
        ended: (partition) => sink.ended(partition, []),
        appeared: () => undefined,
      });
      return reader.read(partitions, overlooking, signal);
    },
  })),
];
