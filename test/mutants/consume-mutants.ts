import type { Assignment, Settlement } from "../../src/driver/consumer-driver.ts";
import type { StoredRecord } from "../../src/driver/record.ts";
import { type ConsumerParts, assignmentMutant, consumerMutant, settlementOf, sinkMutant } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

const NEVER = new AbortController().signal;

/** The records of each assignment that were handed over. */
class HandedOver {
  readonly #records = new Map<Assignment, StoredRecord[]>();

  add(assignment: Assignment, records: readonly StoredRecord[]): void {
    this.#records.set(assignment, [...(this.#records.get(assignment) ?? []), ...records]);
  }

  settlement({ consumer }: Pick<ConsumerParts, "consumer">, assignment: Assignment): Settlement {
    return settlementOf(consumer, assignment, this.#records.get(assignment) ?? []);
  }

  get assignments(): readonly Assignment[] {
    return [...this.#records.keys()];
  }
}

/** Counts everything that was handed over as handled when a partition is released, or the member leaves. */
function settlesWhatItHandsOver(parts: ConsumerParts): Partial<ConsumerParts["consumer"]> {
  const { consumer } = parts;
  const handed = new HandedOver();
  return {
    start: async (sink, signal) =>
      consumer.start(
        override(sink, {
          deliver: async (assignment, records) => {
            handed.add(assignment, records);
            return sink.deliver(assignment, records);
          },
          revoking: async (assignment, deadlineMs) => {
            await consumer.settle([handed.settlement(parts, assignment)], NEVER);
            return sink.revoking(assignment, deadlineMs);
          },
        }),
        signal,
      ),
    close: async () => {
      for (const assignment of handed.assignments) await consumer.settle([handed.settlement(parts, assignment)], NEVER);
      return consumer.close();
    },
  };
}

/** A settlement that is refused because the partition has another owner is repeated in the name of that owner. */
function resultsOfFormerOwnersCount({ consumer }: ConsumerParts): Partial<ConsumerParts["consumer"]> {
  const current = new Map<string, Assignment>();
  return {
    start: async (sink, signal) => {
      const noting = override(sink, {
        assigned: (assignment) => {
          current.set(assignment.partition, assignment);
          sink.assigned(assignment);
        },
      });
      await consumer.start(noting, signal);
    },
    settle: async (settlements, signal) => {
      const results = await consumer.settle(settlements, signal);
      const refused = settlements.filter((_, index) => results[index]?.code === "ownership-lost");
      const repeated = refused.map((settlement) => ({ ...settlement, assignment: current.get(settlement.assignment.partition)! }));
      if (repeated.length > 0) await consumer.settle(repeated, signal);
      return results.map((error) => (error?.code === "ownership-lost" ? null : error));
    },
  };
}

/** Each settlement settles everything that was handed over. */
function settlesPastAGap(parts: ConsumerParts): Partial<ConsumerParts["consumer"]> {
  const { consumer } = parts;
  const handed = new HandedOver();
  return {
    start: async (sink, signal) =>
      consumer.start(
        override(sink, {
          deliver: async (assignment, records) => {
            handed.add(assignment, records);
            return sink.deliver(assignment, records);
          },
        }),
        signal,
      ),
    settle: async (settlements, signal) =>
      consumer.settle(
        settlements.map(({ assignment }) => handed.settlement(parts, assignment)),
        signal,
      ),
  };
}

/** The progress of a group is known only to the process that stored it. */
const remembersProgressByConnection = driverMutant("remembers-progress-by-connection", () => (driver) => {
  const handled = new Map<string, string>();
  return override(driver, {
    consumer: (topic, settings) => {
      const consumer = driver.consumer(topic, settings);
      const nameOf = ({ partition }: Assignment): string => `${topic} ${settings.group} ${partition}`;
      return override(consumer, {
        start: async (sink, signal) =>
          consumer.start(
            override(sink, {
              deliver: async (assignment, records) => {
                const through = handled.get(nameOf(assignment));
                const kept = records.filter(({ position }) => through === undefined || driver.compare(position, through) > 0);
                if (kept.length > 0) await sink.deliver(assignment, kept);
              },
            }),
            signal,
          ),
        settle: async (settlements) => {
          for (const { assignment, through } of settlements) if (through !== null) handled.set(nameOf(assignment), through);
          return settlements.map(() => null);
        },
      });
    },
  });
});

/** Defects of members of groups: what they hand over and what they store as progress. */
export const consumeMutants: readonly Mutant[] = [
  sinkMutant("delivers-backwards", (sink) => ({ deliver: async (assignment, records) => sink.deliver(assignment, records.toReversed()) })),
  sinkMutant("settles-on-delivery", (sink, consumer) => ({
    deliver: async (assignment, records) => {
      await consumer.settle([settlementOf(consumer, assignment, records)], NEVER);
      return sink.deliver(assignment, records);
    },
  })),
  sinkMutant("former-owners-go-on", () => ({ lost: () => undefined })),
  sinkMutant("swallows-failures", () => ({ failed: () => undefined })),
  sinkMutant("takes-a-partition-once-only", (sink) => {
    const taken = new Set<string>();
    return {
      assigned: (assignment) => {
        if (!taken.has(assignment.partition)) sink.assigned(assignment);
        taken.add(assignment.partition);
      },
    };
  }),
  remembersProgressByConnection,
  consumerMutant("settles-what-it-hands-over", settlesWhatItHandsOver),
  consumerMutant("settles-past-a-gap", settlesPastAGap),
  consumerMutant("results-of-former-owners-count", resultsOfFormerOwnersCount),
  // Keeps working under an epoch that never changes.
  assignmentMutant("epoch-stands-still", () => ({ assigned: () => ({ epoch: "1" }) })),
  { ...consumerMutant("settles-as-rarely-as-requested", () => ({ settleWithin: undefined })), like: "pubsub" },
  consumerMutant("forgets-progress", () => ({ settle: async (settlements) => settlements.map(() => null) })),
  consumerMutant("settles-one-partition-only", ({ consumer }) => {
    let only: string | null = null;
    return {
      settle: async (settlements, signal) => {
        only ??= settlements[0]?.assignment.partition ?? null;
        await consumer.settle(
          settlements.filter(({ assignment }) => assignment.partition === only),
          signal,
        );
        return settlements.map(() => null);
      },
    };
  }),
  consumerMutant("forgets-a-failed-settlement", ({ consumer }) => {
    let failed = false;
    return {
      settle: async (settlements, signal) => {
        if (failed) return settlements.map(() => null);
        try {
          const results = await consumer.settle(settlements, signal);
          failed = results.some((error) => error !== null);
        } catch {
          // The defect: the failure is not reported, and nothing is retried.
          failed = true;
        }
        return settlements.map(() => null);
      },
    };
  }),
  consumerMutant("forgets-to-settle-on-revocation", ({ consumer }) => {
    const revoked = new Set<Assignment>();
    return {
      start: async (sink, signal) =>
        consumer.start(
          override(sink, {
            revoking: async (assignment, deadlineMs) => {
              revoked.add(assignment);
              return sink.revoking(assignment, deadlineMs);
            },
          }),
          signal,
        ),
      settle: async (settlements, signal) => {
        await consumer.settle(
          settlements.filter(({ assignment }) => !revoked.has(assignment)),
          signal,
        );
        return settlements.map(() => null);
      },
    };
  }),
];
