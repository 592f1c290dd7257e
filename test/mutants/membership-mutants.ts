import { setImmediate as nextTurn } from "node:timers/promises";
import type { Assignment, ConsumerDriver } from "../../src/driver/consumer-driver.ts";
import type { StoredRecord } from "../../src/driver/record.ts";
import { StreamError, isStreamError } from "../../src/errors.ts";
import { type ConsumerParts, consumerMutant, moveSome, settingsMutant, sinkMutant } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

const NEVER = new AbortController().signal;

/** The loss of a partition is not reported, and the old owner settles for the new one. */
function oldOwnersCommit(
  { consumer }: ConsumerParts,
  owners: Map<string, { readonly consumer: ConsumerDriver; readonly assignment: Assignment }>,
): Partial<ConsumerDriver> {
  return {
    start: async (sink, signal) => {
      const deaf = override(sink, {
        assigned: (assignment) => {
          owners.set(assignment.partition, { consumer, assignment });
          sink.assigned(assignment);
        },
        lost: () => undefined,
      });
      await consumer.start(deaf, signal);
    },
    settle: async (settlements, signal) => {
      for (const settlement of settlements) {
        const owner = owners.get(settlement.assignment.partition);
        await owner?.consumer.settle([{ ...settlement, assignment: owner.assignment }], signal);
      }
      return settlements.map(() => null);
    },
  };
}

/**
 * Stores the last settlement of any member, and the core does not notice that a partition has another owner. The group is
 * moved to the stored place when the next member finds it empty, because the memory provider itself refuses such a settlement.
 */
function lastSettlementWins(
  { consumer, driver, topic, settings }: ConsumerParts,
  group: { readonly stored: Map<string, string>; members: number },
): Partial<ConsumerDriver> {
  return {
    start: async (sink, signal) => {
      if (group.members === 0 && group.stored.size > 0) {
        const places = new Map([...group.stored].map(([partition, position]) => [partition, { kind: "after" as const, position }]));
        const name = { group: settings.group, nativeGroup: settings.nativeGroup };
        await moveSome(driver.admin, topic, name, places, signal);
      }
      group.members += 1;
      await consumer.start(override(sink, { revoking: async () => undefined, lost: () => undefined }), signal);
    },
    settle: async (settlements, signal) => {
      for (const { assignment, through } of settlements) if (through !== null) group.stored.set(assignment.partition, through);
      await consumer.settle(settlements, signal);
      return settlements.map(() => null);
    },
    close: async () => {
      await consumer.close();
      group.members -= 1;
    },
  };
}

/** A group whose topic was created again is taken for a new one. */
function beginsAnew({ consumer, driver, topic, settings }: ConsumerParts): Partial<ConsumerDriver> {
  let current = consumer;
  return {
    start: async (sink, signal) => {
      try {
        await consumer.start(sink, signal);
      } catch (error) {
        if (!isStreamError(error, "position-mismatch")) throw error;
        await driver.admin.deleteGroup(topic, { group: settings.group, nativeGroup: settings.nativeGroup }, signal);
        current = driver.consumer(topic, settings);
        await current.start(sink, signal);
      }
    },
    settle: async (settlements, signal) => current.settle(settlements, signal),
    close: async () => current.close(),
  };
}

/** Defects of how members come and go, and of which group they are in. */
export const membershipMutants: readonly Mutant[] = [
  consumerMutant("forgets-the-group-when-it-is-empty", ({ consumer, driver, topic, settings }) => ({
    close: async () => {
      await consumer.close();
      await driver.admin.deleteGroup(topic, { group: settings.group, nativeGroup: settings.nativeGroup }, NEVER);
    },
  })),
  consumerMutant(
    "second-member-gets-nothing",
    ({ consumer }, members: { count: number }) => {
      let isIdle = false;
      return {
        start: async (sink, signal) => {
          members.count += 1;
          isIdle = members.count === 2;
          if (!isIdle) await consumer.start(sink, signal);
        },
        close: async () => {
          if (!isIdle) await consumer.close();
        },
      };
    },
    () => ({ count: 0 }),
  ),
  consumerMutant(
    "refuses-a-third-member",
    ({ consumer }, members: { count: number }) => ({
      start: async (sink, signal) => {
        members.count += 1;
        if (members.count === 3) throw new StreamError("conflict", "there are two members already");
        await consumer.start(sink, signal);
      },
    }),
    () => ({ count: 0 }),
  ),
  {
    ...consumerMutant("begins-anew-in-a-new-topic", beginsAnew),
    // Only where a group outlives its topic.
    like: "kinesis",
  },
  consumerMutant("latest-is-where-the-first-fetch-ends", ({ consumer, settings }) => {
    const begun = new Set<Assignment>();
    return {
      start: async (sink, signal) =>
        consumer.start(
          override(sink, {
            deliver: async (assignment, records) => {
              const isFirst = !begun.has(assignment);
              begun.add(assignment);
              if (!isFirst || settings.initialPosition === "fail" || settings.initialPosition.kind !== "latest") {
                return sink.deliver(assignment, records);
              }
              sink.advanced(assignment, records.at(-1)!.position);
            },
          }),
          signal,
        ),
    };
  }),
  consumerMutant("latest-is-looked-up-after-assignment", ({ consumer, driver, topic, settings }) => {
    // The answer to the question where the log ends comes when it has been asked: after a turn, as from a server.
    const endOf = async (partition: string): Promise<string | null> => {
      await nextTurn();
      const reader = driver.reader(topic);
      const range = await reader.resolve({ from: { kind: "latest" }, until: null, partitions: null }, NEVER);
      await reader.close();
      const start = range.partitions.find((one) => one.partition === partition)?.start;
      return start?.kind === "at" ? start.position : null;
    };
    const ends = new Map<Assignment, Promise<string | null>>();
    return {
      start: async (sink, signal) =>
        consumer.start(
          override(sink, {
            assigned: (assignment) => {
              if (settings.initialPosition !== "fail" && settings.initialPosition.kind === "latest") {
                ends.set(assignment, endOf(assignment.partition));
              }
              sink.assigned(assignment);
            },
            deliver: async (assignment, records) => {
              const end = await ends.get(assignment);
              const isBehind = ({ position }: StoredRecord): boolean =>
                end === undefined || end === null || driver.compare(position, end) >= 0;
              const kept = records.filter(isBehind);
              if (kept.length > 0) await sink.deliver(assignment, kept);
              else sink.advanced(assignment, records.at(-1)!.position);
            },
          }),
          signal,
        ),
    };
  }),
  consumerMutant(
    "latest-is-resolved-by-each-owner",
    ({ consumer, driver, topic, settings }, groups: Map<string, number>) => {
      const count = (groups.get(settings.group) ?? 0) + 1;
      groups.set(settings.group, count);
      const ends = new Map<Assignment, Promise<string | null>>();
      const endOf = async (partition: string): Promise<string | null> => {
        // Each asks a server for itself.
        await nextTurn();
        const reader = driver.reader(topic);
        const range = await reader.resolve({ from: { kind: "latest" }, until: null, partitions: null }, NEVER);
        await reader.close();
        const start = range.partitions.find((one) => one.partition === partition)?.start;
        return start?.kind === "at" ? start.position : null;
      };
      return {
        start: async (sink, signal) =>
          consumer.start(
            override(sink, {
              assigned: (assignment) => {
                if (count > 1)
                  ends.set(
                    assignment,
                    endOf(assignment.partition).catch(() => null),
                  );
                sink.assigned(assignment);
              },
              deliver: async (assignment, records) => {
                const end = await ends.get(assignment);
                const kept = records.filter(({ position }) => end === undefined || end === null || driver.compare(position, end) >= 0);
                if (kept.length > 0) await sink.deliver(assignment, kept);
                else sink.advanced(assignment, records.at(-1)!.position);
              },
            }),
            signal,
          ),
      };
    },
    () => new Map<string, number>(),
  ),
  consumerMutant(
    "latest-anew-where-nothing-was-handled",
    ({ consumer, driver, topic, settings }, handled: Set<string>) => ({
      start: async (sink, signal) => {
        const name = { group: settings.group, nativeGroup: settings.nativeGroup };
        const groups = await driver.admin.listGroups(topic, signal);
        if (groups.some(({ group }) => group === settings.group)) {
          const { partitions } = await driver.admin.describeTopic(topic, signal);
          const untouched = partitions.filter((partition) => !handled.has(partition));
          const places = new Map(untouched.map((partition) => [partition, { kind: "latest" as const }]));
          await moveSome(driver.admin, topic, name, places, signal);
        }
        await consumer.start(sink, signal);
      },
      settle: async (settlements, signal) => {
        for (const { assignment } of settlements) handled.add(assignment.partition);
        return consumer.settle(settlements, signal);
      },
    }),
    () => new Set<string>(),
  ),
  consumerMutant(
    "idle-members-stay-idle",
    ({ consumer }, members: { count: number }) => ({
      start: async (sink, signal) => {
        members.count += 1;
        const isIdle = members.count > 2;
        const idle = override(sink, { assigned: (assignment) => (isIdle ? undefined : sink.assigned(assignment)) });
        await consumer.start(idle, signal);
      },
    }),
    () => ({ count: 0 }),
  ),
  driverMutant("consumers-share-the-first-topic", () => {
    let first: string | null = null;
    return (driver) => override(driver, { consumer: (topic, settings) => driver.consumer((first ??= topic), settings) });
  }),
  consumerMutant("sessions-end-under-handlers", ({ consumer, settings }) => ({
    start: async (sink, signal) =>
      consumer.start(
        override(sink, {
          deliver: async (assignment, records) => {
            setTimeout(() => sink.lost(assignment), settings.sessionTimeoutMs).unref();
            return sink.deliver(assignment, records);
          },
        }),
        signal,
      ),
  })),
  consumerMutant("last-settlement-wins", lastSettlementWins, () => ({ stored: new Map<string, string>(), members: 0 })),
  consumerMutant("joined-before-it-has", ({ consumer }) => ({
    start: async (sink, signal) => {
      sink.joined();
      await nextTurn();
      await consumer.start(sink, signal);
    },
  })),
  sinkMutant("surplus-members-never-hear", (sink) => {
    let hasPartition = false;
    return {
      assigned: (assignment) => {
        hasPartition = true;
        sink.assigned(assignment);
      },
      joined: () => {
        if (hasPartition) sink.joined();
      },
    };
  }),
  sinkMutant("rejoins-in-silence", () => ({ rejoining: () => undefined })),
  sinkMutant("loses-a-revocation", () => ({ revoking: async () => undefined })),
  consumerMutant("old-owners-commit", oldOwnersCommit, () => new Map()),
  consumerMutant("leaver-keeps-its-partitions", () => ({ close: async () => undefined })),
  settingsMutant("groups-share-a-position", () => (settings) => ({ ...settings, group: "shared", nativeGroup: "shared" })),
  settingsMutant("every-member-gets-everything", () => {
    let count = 0;
    return (settings) => ({ ...settings, group: `${settings.group}-${(count += 1)}` });
  }),
  settingsMutant("creates-missing-groups", () => (settings) => ({
    ...settings,
    initialPosition: settings.initialPosition === "fail" ? { kind: "earliest" } : settings.initialPosition,
  })),
];
