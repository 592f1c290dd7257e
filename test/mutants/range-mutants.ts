import type { RangePartition, RangeRequest, ReaderDriver, ResolvedRange } from "../../src/driver/reader-driver.ts";
import type { DriverGap, Place, StartPoint, StopPoint } from "../../src/position/place.ts";
import { readerMutant, startMutant, withPlaces } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

const NEVER = new AbortController().signal;

/** Asks for another range than it was asked for. */
function requestMutant(name: string, change: (request: RangeRequest) => RangeRequest): Mutant {
  return readerMutant(name, (reader) => ({ resolve: async (request, signal) => reader.resolve(change(request), signal) }));
}

/** Resolves the right range to the wrong places. */
function resolvedMutant(name: string, change: (partition: RangePartition, request: RangeRequest) => RangePartition): Mutant {
  return readerMutant(name, (reader) => ({
    resolve: async (request, signal): Promise<ResolvedRange> => {
      const range = await reader.resolve(request, signal);
      return { ...range, partitions: range.partitions.map((partition) => change(partition, request)) };
    },
  }));
}

/** At a message becomes behind it. */
function behind(start: StartPoint): StartPoint {
  return withPlaces(start, (place) => (place.kind === "at" ? { ...place, kind: "after" } : place));
}

/** Through a message becomes up to it. */
function beforeItsLast(until: Extract<StopPoint, { kind: "places" }>): StopPoint {
  const places = [...until.places].map(
    ([partition, place]) => [partition, place.kind === "after" ? { ...place, kind: "at" as const } : place] as const,
  );
  return { kind: "places", places: new Map(places) };
}

/** Takes the time for a condition on every message instead of a place in the log. */
function filtersByTime(reader: ReaderDriver): Partial<ReaderDriver> {
  let fromMs = -Infinity;
  return {
    resolve: async (request, signal) => {
      if (request.from.kind === "timestamp") fromMs = request.from.timestampMs;
      return reader.resolve(request, signal);
    },
    read: async (partitions, sink, signal) => {
      const filtering = override(sink, {
        deliver: async (partition, records) => {
          const kept = records.filter(({ timestampMs }) => timestampMs >= fromMs);
          return kept.length > 0 ? sink.deliver(partition, kept) : sink.advanced(partition, records.at(-1)!.position);
        },
      });
      return reader.read(partitions, filtering, signal);
    },
  };
}

/** Takes the time at which a range ends for a condition on every message instead of a place in the log. */
function filtersTheEndByTime(reader: ReaderDriver): Partial<ReaderDriver> {
  let untilMs = Infinity;
  return {
    resolve: async (request, signal) => {
      if (request.until?.kind !== "timestamp") return reader.resolve(request, signal);
      untilMs = request.until.timestampMs;
      return reader.resolve({ ...request, until: { kind: "now" } }, signal);
    },
    read: async (partitions, sink, signal) => {
      const filtering = override(sink, {
        deliver: async (partition, records) => {
          const kept = records.filter(({ timestampMs }) => timestampMs < untilMs);
          return kept.length > 0 ? sink.deliver(partition, kept) : sink.advanced(partition, records.at(-1)!.position);
        },
      });
      return reader.read(partitions, filtering, signal);
    },
  };
}

function behindTheGap(gap: DriverGap | null, start: Place): Place {
  return gap?.resumesAt ?? start;
}

/** Gaps by retention are not reported. */
const hidesGaps = driverMutant(
  "hides-gaps",
  () => (driver) =>
    override(driver, {
      reader: (topic) => {
        const reader = driver.reader(topic);
        return override(reader, {
          resolve: async (request, signal) => {
            const range = await reader.resolve(request, signal);
            const partitions = range.partitions.map((partition) => ({
              ...partition,
              start: behindTheGap(partition.gap, partition.start),
              gap: null,
            }));
            return { ...range, partitions };
          },
          read: async (partitions, sink, signal) => reader.read(partitions, override(sink, { gap: async () => undefined }), signal),
        });
      },
      consumer: (topic, settings) => {
        const consumer = driver.consumer(topic, settings);
        return override(consumer, {
          start: async (sink, signal) => consumer.start(override(sink, { gap: async () => undefined }), signal),
        });
      },
    }),
);

/** Reading takes the groups of the topic along. */
const readerMovesTheGroup = driverMutant(
  "reader-moves-the-group",
  () => (driver) =>
    override(driver, {
      reader: (topic) => {
        const reader = driver.reader(topic);
        return override(reader, {
          close: async () => {
            await reader.close();
            const groups = await driver.admin.listGroups(topic, NEVER);
            for (const { group, nativeGroup } of groups) {
              await driver.admin.resetGroup(topic, { group: group ?? nativeGroup, nativeGroup }, { kind: "latest" }, NEVER);
            }
          },
        });
      },
    }),
);

/** Defects of the ranges of readers, and of where groups start. */
export const rangeMutants: readonly Mutant[] = [
  hidesGaps,
  readerMovesTheGroup,
  startMutant("earliest-is-latest", (start) => (start.kind === "earliest" ? { kind: "latest" } : start)),
  startMutant("position-off-by-one", behind),
  requestMutant("ignores-the-end", (request) => (request.until === null ? request : { ...request, until: { kind: "now" } })),
  requestMutant("end-off-by-one", (request) => {
    const { until } = request;
    return until?.kind === "places" ? { ...request, until: beforeItsLast(until) } : request;
  }),
  requestMutant("reads-all-partitions", (request) => ({ ...request, partitions: null })),
  resolvedMutant("reads-past-now", (partition) => ({ ...partition, end: null })),
  resolvedMutant("readers-look-up-latest-late", (partition, { from }) =>
    from.kind === "latest" ? { ...partition, start: { kind: "latest" } } : partition,
  ),
  resolvedMutant("late-times-mean-the-beginning", (partition, { from }) => {
    const { start, end } = partition;
    const isBehind = from.kind === "timestamp" && start.kind === "at" && end?.kind === "before" && start.position === end.position;
    return isBehind ? { ...partition, start: { kind: "earliest" } } : partition;
  }),
  resolvedMutant("goes-on-at-the-end-behind-a-gap", ({ gap, end, ...partition }) => {
    const isMoved = gap !== null && end?.kind === "before";
    return { ...partition, end, gap: isMoved ? { ...gap, resumesAt: { kind: "at", position: end.position } } : gap };
  }),
  readerMutant("filters-by-time", filtersByTime),
  readerMutant("filters-the-end-by-time", filtersTheEndByTime),
  readerMutant("miscounts-what-a-gap-swallows", (reader) => ({
    read: async (partitions, sink, signal) => {
      const miscounting = override(sink, {
        gap: async (partition, gap) => sink.gap(partition, { ...gap, missing: gap.missing === null ? null : gap.missing - 1 }),
      });
      return reader.read(partitions, miscounting, signal);
    },
  })),
  readerMutant("readers-count-from-one", (reader) => ({
    read: async (partitions, sink, signal) => {
      const counting = override(sink, {
        deliver: async (partition, records) =>
          sink.deliver(
            partition,
            records.map((record) => override(record, { position: String(BigInt(record.position) + 1n) })),
          ),
      });
      return reader.read(partitions, counting, signal);
    },
  })),
];
