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

/** After a request that had to be retried, leaves out what comes next, as if the position had been requested again at the end. */
const skipsBehindARetry: Mutant = {
  name: "skips-what-follows-a-retry",
  break: () => ({
    driver: (driver) =>
      override(driver, {
        open: ({ report }) => {
          let retried = false;
          const listening = Object.assign(
            (event: Parameters<typeof report>[0]) => {
              if (event.kind === "retry") retried = true;
              report(event);
            },
            { wants: () => true },
          );
          const opened = driver.open({ report: listening });
          const isLost = (): boolean => {
            const isLost = retried;
            retried = false;
            return isLost;
          };
          return override(opened, lossyDriver(opened, { isLost }));
        },
      }),
  }),
};

/** Defects that show when a call has to be repeated or takes its time. */
export const faultMutants: readonly Mutant[] = [
  skipsBehindARetry,
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
