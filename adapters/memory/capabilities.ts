import type { Capabilities, Capability } from "../../src/driver/index.ts";

/** The provider's own form: everything there is. */
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
  groupAdmin: true,
  groupReset: true,
  lagInMessages: true,
  lagInTime: true,
  tombstones: true,
  binaryKeys: true,
  exactHeaders: true,
  endAtBookmark: true,
  nativeHeaders: true,
  orderingUnit: "partition",
  limits: { messageBytes: 1_048_576, keyBytes: 1_024, headerBytes: 65_536 },
};

/** The yes-or-no ones, as they may be named in the setting `without`. */
export const CAPABILITIES: readonly Capability[] = (Object.keys(OWN_CAPABILITIES) as (keyof Capabilities)[]).filter(
  (name): name is Capability => typeof OWN_CAPABILITIES[name] === "boolean",
);

/** What makes no sense without something else. */
const NEEDS: Partial<Record<Capability, readonly Capability[]>> = {
  partitionGrowth: ["partitions", "topicAdmin"],
  partitionMerge: ["partitions", "topicAdmin", "growthKeepsKeyOrder"],
  explicitPartition: ["partitions"],
};

/** These capabilities, and those that need them, switched off. */
export function capabilitiesWithout(capabilities: Capabilities, without: readonly Capability[]): Capabilities {
  const off = CAPABILITIES.filter((name) => without.includes(name) || NEEDS[name]?.some((needed) => without.includes(needed)));
  return { ...capabilities, ...Object.fromEntries(off.map((name) => [name, false])) };
}
