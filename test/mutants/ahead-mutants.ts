import type { Assignment, Settlement } from "../../src/driver/consumer-driver.ts";
import type { HandledAhead } from "../../src/position/handled-ahead.ts";
import type { ProviderDriver } from "../../src/driver/provider-driver.ts";
import { type ConsumerParts, assignmentMutant, consumerMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";
import { override } from "./override.ts";

type Consumer = ConsumerParts["consumer"];

/** Changes what is stored. */
function storedMutant(name: string, change: (settlement: Settlement) => Partial<Settlement>): Mutant {
  return consumerMutant(name, ({ consumer }) => ({
    settle: async (settlements, signal) =>
      consumer.settle(
        settlements.map((settlement) => ({ ...settlement, ...change(settlement) })),
        signal,
      ),
  }));
}

function isNamed(driver: ProviderDriver, position: string, { upTo, except }: HandledAhead): boolean {
  return driver.compare(position, upTo) <= 0 && !except.includes(position);
}

/** A member stores only what it has handled itself. */
function forgetsWhatWasInherited({ consumer, driver }: ConsumerParts): Partial<Consumer> {
  const skipped = new Map<Assignment, string[]>();
  return {
    start: async (sink, signal) =>
      consumer.start(
        override(sink, {
          deliver: async (assignment, records) => {
            const { ahead } = assignment;
            const known = records.filter(({ position }) => ahead !== null && isNamed(driver, position, ahead));
            skipped.set(assignment, [...(skipped.get(assignment) ?? []), ...known.map(({ position }) => position)]);
            return sink.deliver(assignment, records);
          },
        }),
        signal,
      ),
    settle: async (settlements, signal) =>
      consumer.settle(
        settlements.map((settlement) => {
          const { assignment, ahead } = settlement;
          if (ahead === null) return settlement;
          const first = ahead.except[0];
          const forgotten = (skipped.get(assignment) ?? []).filter(
            (position) => first !== undefined && driver.compare(position, first) > 0 && driver.compare(position, ahead.upTo) < 0,
          );
          const except = [...new Set([...ahead.except, ...forgotten])].toSorted((a, b) => driver.compare(a, b));
          return { ...settlement, ahead: { upTo: ahead.upTo, except } };
        }),
        signal,
      ),
  };
}

/** Swallows the first record behind what is handled ahead. */
function skipsOneBehindTheEnd({ consumer, driver }: ConsumerParts): Partial<Consumer> {
  const done = new Set<Assignment>();
  return {
    start: async (sink, signal) =>
      consumer.start(
        override(sink, {
          deliver: async (assignment, records) => {
            const { ahead } = assignment;
            const first =
              ahead === null || done.has(assignment) ? undefined : records.find(({ position }) => driver.compare(position, ahead.upTo) > 0);
            if (first === undefined) return sink.deliver(assignment, records);
            done.add(assignment);
            const kept = records.filter((record) => record !== first);
            if (kept.length > 0) return sink.deliver(assignment, kept);
            sink.advanced(assignment, first.position);
          },
        }),
        signal,
      ),
  };
}

/** What counts as handled does not reach the core, so it does not count in how far a partition runs ahead. */
function passesOverWhatWasHandled({ consumer, driver }: ConsumerParts): Partial<Consumer> {
  return {
    start: async (sink, signal) =>
      consumer.start(
        override(sink, {
          deliver: async (assignment, records) => {
            const { ahead } = assignment;
            let room: Promise<void> | undefined;
            for (const record of records) {
              if (ahead !== null && isNamed(driver, record.position, ahead)) sink.advanced(assignment, record.position);
              else room = sink.deliver(assignment, [record]);
            }
            await room;
          },
        }),
        signal,
      ),
  };
}

/** Defects of what is handled ahead of a group's place. */
export const aheadMutants: readonly Mutant[] = [
  storedMutant("stores-nothing-ahead", () => ({ ahead: null })),
  storedMutant("cuts-the-list-only", ({ ahead }) => ({ ahead: ahead === null ? null : { ...ahead, except: ahead.except.slice(0, 8) } })),
  consumerMutant("stores-ahead-with-the-place-only", ({ consumer }) => ({
    settle: async (settlements, signal) => {
      const moved = settlements.filter(({ through, records, ended }) => through !== null || records.length > 0 || ended);
      if (moved.length > 0) await consumer.settle(moved, signal);
      return settlements.map(() => null);
    },
  })),
  consumerMutant("forgets-what-was-inherited", forgetsWhatWasInherited),
  assignmentMutant("skips-one-too-many", () => ({
    assigned: ({ ahead }) => ({ ahead: ahead === null ? null : { upTo: ahead.upTo, except: ahead.except.slice(0, -1) } }),
  })),
  consumerMutant("skips-one-behind-the-end", skipsOneBehindTheEnd),
  consumerMutant("passes-over-what-was-handled", passesOverWhatWasHandled),
  assignmentMutant("forgets-former-ownerships", () => ({ assigned: () => ({ resumes: null }) })),
  // What is stored ahead comes back after the group was moved.
  assignmentMutant(
    "keeps-ahead-over-a-reset",
    (_, kept: Map<string, HandledAhead>) => ({
      assigned: ({ partition, ahead }) => ({ ahead: ahead ?? kept.get(partition) ?? null }),
      settled: (settlements) => {
        for (const { assignment, ahead } of settlements) if (ahead !== null) kept.set(assignment.partition, ahead);
      },
    }),
    () => new Map<string, HandledAhead>(),
  ),
];
