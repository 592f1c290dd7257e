import type { AdminDriver, GroupName } from "../../src/driver/admin-driver.ts";
import type { Assignment, ConsumerDriver, ConsumerSettings, Settlement, Sink } from "../../src/driver/consumer-driver.ts";
import type { ProducerDriver } from "../../src/driver/producer-driver.ts";
import type { ProviderDriver } from "../../src/driver/provider-driver.ts";
import type { ReaderDriver } from "../../src/driver/reader-driver.ts";
import type { StoredRecord } from "../../src/driver/record.ts";
import type { PartitionPlace, PositionPlace, StartPoint } from "../../src/position/place.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

type Changes<Part extends object> = Partial<Part>;

/** Breaks every producer of a driver. */
export function producerMutant(name: string, change: (producer: ProducerDriver, topic: string) => Changes<ProducerDriver>): Mutant {
  return driverMutant(
    name,
    () => (driver) =>
      override(driver, {
        producer: (topic) => {
          const producer = driver.producer(topic);
          return override(producer, change(producer, topic));
        },
      }),
  );
}

export interface ConsumerParts {
  readonly consumer: ConsumerDriver;
  readonly driver: ProviderDriver;
  readonly topic: string;
  readonly settings: ConsumerSettings;
}

/** Breaks every member of a group. `remember` makes what all members of one run share. */
export function consumerMutant<Memory = undefined>(
  name: string,
  change: (parts: ConsumerParts, memory: Memory) => Changes<ConsumerDriver>,
  remember: () => Memory = () => undefined as Memory,
): Mutant {
  return driverMutant(name, () => {
    const memory = remember();
    return (driver) =>
      override(driver, {
        consumer: (topic, settings) => {
          const consumer = driver.consumer(topic, settings);
          return override(consumer, change({ consumer, driver, topic, settings }, memory));
        },
      });
  });
}

/** Breaks what a member reports to the core. */
export function sinkMutant(name: string, change: (sink: Sink, consumer: ConsumerDriver) => Changes<Sink>): Mutant {
  return consumerMutant(name, ({ consumer }) => ({
    start: async (sink, signal) => consumer.start(override(sink, change(sink, consumer)), signal),
  }));
}

interface AssignmentDefect {
  readonly assigned: (assignment: Assignment) => Partial<Assignment>;
  /** Sees what is settled. */
  readonly settled?: (settlements: readonly Settlement[]) => void;
}

/** Breaks what a member says about its assignments: the core gets changed copies of them. `remember` makes what all members of one run share. */
export function assignmentMutant<Memory = undefined>(
  name: string,
  change: (parts: ConsumerParts, memory: Memory) => AssignmentDefect,
  remember?: () => Memory,
): Mutant {
  return consumerMutant(
    name,
    (parts, memory: Memory) => {
      const { consumer } = parts;
      const { assigned, settled } = change(parts, memory);
      const originals = new Map<Assignment, Assignment>();
      const copies = new Map<Assignment, Assignment>();
      const copyOf = (assignment: Assignment): Assignment => {
        const known = copies.get(assignment);
        if (known !== undefined) return known;
        const resumes = assignment.resumes === null ? null : (copies.get(assignment.resumes) ?? null);
        const copy = { ...assignment, resumes, ...assigned(assignment) };
        copies.set(assignment, copy);
        originals.set(copy, assignment);
        return copy;
      };
      return {
        start: async (sink, signal) =>
          consumer.start(
            {
              joined: () => sink.joined(),
              rejoining: () => sink.rejoining(),
              assigned: (assignment) => sink.assigned(copyOf(assignment)),
              deliver: async (assignment, records) => sink.deliver(copyOf(assignment), records),
              unreadable: async (assignment, range) => sink.unreadable(copyOf(assignment), range),
              advanced: (assignment, through) => sink.advanced(copyOf(assignment), through),
              forgetAhead: (assignment, from) => sink.forgetAhead(copyOf(assignment), from),
              caughtUp: (assignment) => sink.caughtUp(copyOf(assignment)),
              ended: (assignment, children) => sink.ended(copyOf(assignment), children),
              revoking: async (assignment, deadlineMs) => sink.revoking(copyOf(assignment), deadlineMs),
              lost: (assignment) => sink.lost(copyOf(assignment)),
              gap: async (assignment, gap) => sink.gap(copyOf(assignment), gap),
              failed: (error) => sink.failed(error),
            },
            signal,
          ),
        settle: async (settlements, signal) => {
          settled?.(settlements);
          const ofOriginals = settlements.map((settlement) => ({
            ...settlement,
            assignment: originals.get(settlement.assignment) ?? settlement.assignment,
          }));
          return consumer.settle(ofOriginals, signal);
        },
      };
    },
    remember,
  );
}

/** Breaks how a group is joined. */
export function settingsMutant(name: string, change: () => (settings: ConsumerSettings) => ConsumerSettings): Mutant {
  return driverMutant(name, () => {
    const changeOne = change();
    return (driver) => override(driver, { consumer: (topic, settings) => driver.consumer(topic, changeOne(settings)) });
  });
}

/** Breaks every reader of a driver. */
export function readerMutant(name: string, change: (reader: ReaderDriver) => Changes<ReaderDriver>): Mutant {
  return driverMutant(
    name,
    () => (driver) =>
      override(driver, {
        reader: (topic) => {
          const reader = driver.reader(topic);
          return override(reader, change(reader));
        },
      }),
  );
}

/** Breaks where groups and readers start. */
export function startMutant(name: string, change: (start: StartPoint) => StartPoint): Mutant {
  return driverMutant(
    name,
    () => (driver) =>
      override(driver, {
        consumer: (topic, settings) =>
          driver.consumer(topic, {
            ...settings,
            initialPosition: settings.initialPosition === "fail" ? "fail" : change(settings.initialPosition),
          }),
        reader: (topic) => {
          const reader = driver.reader(topic);
          return override(reader, {
            resolve: async (request, signal) => reader.resolve({ ...request, from: change(request.from) }, signal),
          });
        },
      }),
  );
}

/** The start with other places by position. */
export function withPlaces(start: StartPoint, change: (place: PositionPlace) => PositionPlace): StartPoint {
  if (start.kind === "position") return { ...start, place: change(start.place) };
  if (start.kind !== "places") return start;
  const places = [...start.places].map(
    ([partition, place]) => [partition, place.kind === "at" || place.kind === "after" ? change(place) : place] as const,
  );
  return { kind: "places", places: new Map(places) };
}

/** Breaks administration. */
export function adminMutant(name: string, change: (admin: AdminDriver) => Changes<AdminDriver>): Mutant {
  return driverMutant(name, () => (driver) => override(driver, { admin: override(driver.admin, change(driver.admin)) }));
}

/** Moves these partitions of a group; in the others it stays where it stands. */
export async function moveSome(
  admin: AdminDriver,
  topic: string,
  name: GroupName,
  places: ReadonlyMap<string, PartitionPlace>,
  signal: AbortSignal,
): Promise<void> {
  const standing = await admin.describeGroup(topic, name, signal).catch(() => null);
  await admin.resetGroup(topic, name, { kind: "places", places: new Map([...(standing?.places ?? []), ...places]) }, signal);
}

/** That everything up to and including the last of these is handled, in either unit. */
export function settlementOf(consumer: ConsumerDriver, assignment: Assignment, records: readonly StoredRecord[]): Settlement {
  const isByRecord = consumer.settlementUnit === "record";
  return {
    assignment,
    through: isByRecord ? null : (records.at(-1)?.position ?? null),
    records: isByRecord ? records : [],
    ended: false,
    ahead: null,
  };
}
