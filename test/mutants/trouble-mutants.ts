import type { ProviderDriver } from "../../src/driver/provider-driver.ts";
import type { StoredRecord } from "../../src/driver/record.ts";
import { readerMutant } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** What comes so long after what was before is left out by mistake. */
const LATE_MS = 40;

interface Deliveries {
  /** Is this delivery to be left out? */
  isLost(): boolean;
}

/** Leaves out some deliveries to groups and to readers. */
function lossyDriver(driver: ProviderDriver, deliveries: Deliveries): Partial<ProviderDriver> {
  const last = (records: readonly StoredRecord[]): string => records.at(-1)!.position;
  return {
    consumer: (topic, settings) => {
      const consumer = driver.consumer(topic, settings);
      return override(consumer, {
        start: async (sink, signal) =>
          consumer.start(
            override(sink, {
              deliver: async (assignment, records) => {
                if (deliveries.isLost()) sink.advanced(assignment, last(records));
                else await sink.deliver(assignment, records);
              },
            }),
            signal,
          ),
      });
    },
    reader: (topic) => {
      const reader = driver.reader(topic);
      return override(reader, {
        read: async (partitions, sink, signal) => {
          const lossy = override(sink, {
            deliver: async (partition, records) =>
              deliveries.isLost() ? sink.advanced(partition, last(records)) : sink.deliver(partition, records),
          });
          return reader.read(partitions, lossy, signal);
        },
      });
    },
  };
}

/** After a request that had to be repeated, leaves out what comes next, as if the place had been asked for anew at the end. */
function goesOnBehindARetry(driver: ProviderDriver): Partial<ProviderDriver> {
  let repeated = false;
  return {
    open: ({ report }) => {
      const listening = Object.assign(
        (event: Parameters<typeof report>[0]) => {
          if (event.kind === "retry") repeated = true;
          report(event);
        },
        { wants: () => true },
      );
      driver.open({ report: listening });
    },
    ...lossyDriver(driver, {
      isLost: () => {
        const isLost = repeated;
        repeated = false;
        return isLost;
      },
    }),
  };
}

/** Defects that show when a call has to be repeated or takes its time. */
export const troubleMutants: readonly Mutant[] = [
  driverMutant("skips-what-follows-a-retry", () => (driver) => override(driver, goesOnBehindARetry(driver))),
  driverMutant("drops-what-comes-late", () => {
    let latestMs = performance.now();
    const isLost = (): boolean => {
      const isLate = performance.now() - latestMs > LATE_MS;
      latestMs = performance.now();
      return isLate;
    };
    return (driver) => override(driver, lossyDriver(driver, { isLost }));
  }),
  readerMutant("readers-swallow-refusals", (reader) => ({
    read: async (partitions, sink, signal) => {
      try {
        await reader.read(partitions, sink, signal);
      } catch {
        for (const { partition } of partitions) sink.ended(partition, []);
      }
    },
  })),
];
