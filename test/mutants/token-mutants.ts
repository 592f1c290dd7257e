import type { TopicIdentity } from "../../src/driver/index.ts";
import { isStreamError } from "../../src/errors.ts";
import { decodePosition } from "../../src/position/position.ts";
import type { From } from "../../src/position/range-types.ts";
import type { Reader, ReaderOptions } from "../../src/replay/reader-types.ts";
import { readerOptionsMutant, topicMutant } from "./connection-parts.ts";
import { adminMutant, readerMutant } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** The identity of a topic is incomplete. */
function identityMutant(name: string, change: (identity: TopicIdentity) => TopicIdentity): Mutant {
  return driverMutant(
    name,
    () => (driver) =>
      override(driver, {
        identity: async (topic, signal) => change(await driver.identity(topic, signal)),
        reader: (topic) => {
          const reader = driver.reader(topic);
          return override(reader, {
            resolve: async (request, signal) => {
              const range = await reader.resolve(request, signal);
              return { ...range, identity: change(range.identity) };
            },
          });
        },
      }),
  );
}

function withItsPartition(options: ReaderOptions): ReaderOptions {
  const { from } = options;
  if (typeof from !== "object" || !("at" in from)) return options;
  return { ...options, partitions: [decodePosition(from.at).partition] };
}

/** Starts somewhere instead of refusing what it cannot read. */
function believing(open: (options: ReaderOptions) => Reader<unknown>): (options?: ReaderOptions) => Reader<unknown> {
  return (options = {}) => {
    try {
      return open(options);
    } catch (error) {
      if (!isStreamError(error, "invalid-argument")) throw error;
      const start: From = "earliest";
      return open({ from: start, until: "now" });
    }
  };
}

/** Defects of positions and bookmarks. */
export const tokenMutants: readonly Mutant[] = [
  identityMutant("takes-foreign-tokens", (identity) => ({ ...identity, topic: "any", incarnation: "" })),
  identityMutant("forgets-the-incarnation", (identity) => ({ ...identity, incarnation: "" })),
  readerOptionsMutant("takes-a-position-of-another-partition", withItsPartition),
  readerMutant("position-reads-every-partition", (reader) => ({
    resolve: async (request, signal) => {
      const { from } = request;
      const start = from.kind === "position" ? { kind: "places" as const, places: new Map([[from.partition, from.place]]) } : from;
      return reader.resolve({ ...request, from: start, partitions: null }, signal);
    },
  })),
  driverMutant(
    "bookmarks-live-for-no-time",
    () => (driver) => override(driver, { capabilities: { ...driver.capabilities, bookmarkLifetimeMs: 0 } }),
  ),
  topicMutant("believes-altered-tokens", (topic) => ({ reader: believing((options) => topic.reader(options)) })),
  adminMutant("position-resets-every-partition", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      // Partitions that a bookmark does not list begin at their beginning.
      const start = to.kind === "position" ? { kind: "places" as const, places: new Map([[to.partition, to.place]]) } : to;
      return admin.resetGroup(topic, name, start, signal);
    },
  })),
];
