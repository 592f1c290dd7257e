import type { Capabilities, Capability } from "../../src/driver/index.ts";

/** The provider's own form has every capability. */
export const OWN_CAPABILITIES: Capabilities = {
  partitions: true,
  partitionGrowth: true,
  partitionMerge: true,
  topicAdmin: true,
  receiptPositions: true,
  startAtPosition: true,
  startAtTimestamp: true,
  readerEnd: "position",
  readerIsolation: "full",
  growthKeepsKeyOrder: true,
  recreationDetected: true,
  gapDetected: true,
  explicitPartition: true,
  producerTimestamps: true,
  topicListing: true,
  groupAdmin: true,
  groupMembers: true,
  handledAhead: true,
  fencing: true,
  groupReset: true,
  lagInMessages: true,
  lagInTime: true,
  tombstones: true,
  binaryKeys: true,
  exactHeaders: true,
  bookmarkLifetimeMs: null,
  endAtBookmark: true,
  nativeHeaders: true,
  orderingUnit: "partition",
  limits: { messageBytes: 1_048_576, keyBytes: 1_024, headerBytes: 65_536 },
};

/** The boolean capabilities, which the setting `without` may name. */
export const CAPABILITIES: readonly Capability[] = (Object.keys(OWN_CAPABILITIES) as (keyof Capabilities)[]).filter(
  (name): name is Capability => typeof OWN_CAPABILITIES[name] === "boolean",
);

/** Capabilities that need another one. */
const NEEDS: Partial<Record<Capability, readonly Capability[]>> = {
  partitionGrowth: ["partitions", "topicAdmin"],
  partitionMerge: ["partitions", "topicAdmin", "growthKeepsKeyOrder"],
  explicitPartition: ["partitions"],
};

/** The capabilities without these ones and without those that need them. */
export function capabilitiesWithout(capabilities: Capabilities, without: readonly Capability[]): Capabilities {
  const off = CAPABILITIES.filter((name) => without.includes(name) || NEEDS[name]?.some((needed) => without.includes(needed)));
  return { ...capabilities, ...Object.fromEntries(off.map((name) => [name, false])) };
}
