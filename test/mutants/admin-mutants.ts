import { adminMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { offByOne } from "./replay-mutants.ts";

/** Defects of administration. */
export const adminMutants: readonly Mutant[] = [
  adminMutant("reset-does-nothing", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      const { members } = await admin.describeGroup(topic, name, signal);
      if (members !== 0) await admin.resetGroup(topic, name, to, signal);
    },
  })),
  adminMutant("reset-off-by-one", (admin) => ({
    resetGroup: async (topic, name, to, signal) => admin.resetGroup(topic, name, offByOne(to), signal),
  })),
  adminMutant("reset-a-moment-late", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      const late = to.kind === "timestamp" ? { ...to, timestampMs: to.timestampMs + 1 } : to;
      await admin.resetGroup(topic, name, late, signal);
    },
  })),
  adminMutant("deleting-a-group-does-nothing", () => ({ deleteGroup: async () => undefined })),
  adminMutant("lag-is-nothing", (admin) => ({
    lag: async (topic, name, signal) => {
      const lag = await admin.lag(topic, name, signal);
      return { ...lag, messages: 0, partitions: lag.partitions.map((partition) => ({ ...partition, messages: 0 })) };
    },
  })),
];
