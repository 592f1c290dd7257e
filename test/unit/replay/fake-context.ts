import type { Capabilities } from "../../../src/capabilities.ts";
import type { Codec } from "../../../src/codec/codec.ts";
import { json } from "../../../src/codec/json.ts";
import type { ProviderDriver } from "../../../src/driver/provider-driver.ts";
import { StreamError, withContext } from "../../../src/errors.ts";
import { type TopicIdentity, encodePosition } from "../../../src/position/position.ts";
import type { Closable } from "../../../src/connection-services.ts";
import type { TypedTopic } from "../../../src/topic-context.ts";
import { type FakeLog, IDENTITY, positionAt } from "./fake-log.ts";

export const PROVIDER = "fake";

export const ALL_CAPABILITIES: Capabilities = {
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
  limits: { messageBytes: 1_000_000, keyBytes: 1_000, headerBytes: 1_000 },
};

export function classify(error: unknown): StreamError {
  return error instanceof StreamError ? error : new StreamError("internal", "unknown", { cause: error });
}

export interface FakeContext extends TypedTopic<string> {
  readonly tracked: Set<Closable>;
  /** Counts calls of `driver.identity`. */
  identityCalls: number;
}

export function fakeContext(
  log: FakeLog,
  changes: { capabilities?: Partial<Capabilities>; codec?: Codec<string>; tombstones?: boolean; identity?: TopicIdentity } = {},
): FakeContext {
  const capabilities = { ...ALL_CAPABILITIES, ...changes.capabilities };
  const tracked = new Set<Closable>();
  const context: FakeContext = {
    driver: {
      identity: async () => {
        context.identityCalls += 1;
        return changes.identity ?? IDENTITY;
      },
      reader: () => log.reader(),
      compare: (a: string, b: string) => Number(a) - Number(b),
      classify,
    } as unknown as ProviderDriver,
    provider: PROVIDER,
    topic: "topic",
    nativeTopic: "native-topic",
    nativeTopicOf: (topic) => topic,
    capabilities,
    codec: changes.codec ?? json<string>(),
    keyRule: undefined,
    tombstones: changes.tombstones ?? false,
    checkedGroup: (group) => ({ group, nativeGroup: undefined }),
    requireOpen: () => {},
    requireCapability: (capability, operation) => {
      if (!capabilities[capability])
        throw new StreamError("unsupported", `no ${capability}`, { capability, operation, provider: PROVIDER });
    },
    retryForMs: () => 0,
    toError: (error, operation) => withContext(classify(error), { provider: PROVIDER, topic: "topic", operation }),
    closing: new AbortController().signal,
    track: (part) => {
      tracked.add(part);
      return () => void tracked.delete(part);
    },
    recordSender: () => {
      throw new Error("not used");
    },
    tracked,
    identityCalls: 0,
  };
  return context;
}

export function position(partition: string, index: number, identity: TopicIdentity = IDENTITY, provider = PROVIDER): string {
  return encodePosition({ provider, ...identity, partition, position: positionAt(index) });
}
