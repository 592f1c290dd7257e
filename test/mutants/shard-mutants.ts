import type { Assignment, ConsumerDriver, Sink } from "../../src/driver/consumer-driver.ts";
import { consumerMutant, moveSome } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

const NEVER = new AbortController().signal;

/** Calls a shard handled as soon as all of it was handed over; and knows no parents when it reads. */
const childrenBeforeParents = driverMutant(
  "children-before-parents",
  () => (driver) =>
    override(driver, {
      consumer: (topic, settings) => {
        const consumer = driver.consumer(topic, settings);
        const endsEarly = (sink: Sink): Partial<Sink> => ({
          ended: (assignment, children) => {
            void consumer.settle([{ assignment, through: null, records: [], ended: true, ahead: null }], NEVER);
            sink.ended(assignment, children);
          },
        });
        return override(consumer, { start: async (sink, signal) => consumer.start(override(sink, endsEarly(sink)), signal) });
      },
      reader: (topic) => {
        const reader = driver.reader(topic);
        return override(reader, {
          resolve: async (request, signal) => {
            const range = await reader.resolve(request, signal);
            return { ...range, partitions: range.partitions.map((partition) => ({ ...partition, parents: [] })) };
          },
        });
      },
    }),
);

/** Under one assignment for each partition, whatever happens to its ownership. */
function ownershipsPassForOne({ consumer }: { readonly consumer: ConsumerDriver }): Partial<ConsumerDriver> {
  const first = new Map<string, Assignment>();
  const current = new Map<string, Assignment>();
  const one = (assignment: Assignment): Assignment => first.get(assignment.partition) ?? assignment;
  return {
    start: async (sink, signal) =>
      consumer.start(
        {
          joined: () => sink.joined(),
          rejoining: () => sink.rejoining(),
          assigned: (assignment) => {
            current.set(assignment.partition, assignment);
            if (first.has(assignment.partition)) return;
            first.set(assignment.partition, assignment);
            sink.assigned(assignment);
          },
          deliver: async (assignment, records) => sink.deliver(one(assignment), records),
          unreadable: async (assignment, range) => sink.unreadable(one(assignment), range),
          advanced: (assignment, through) => sink.advanced(one(assignment), through),
          forgetAhead: (assignment, from) => sink.forgetAhead(one(assignment), from),
          caughtUp: (assignment) => sink.caughtUp(one(assignment)),
          ended: (assignment, children) => sink.ended(one(assignment), children),
          revoking: async (assignment, deadlineMs) => sink.revoking(one(assignment), deadlineMs),
          lost: () => undefined,
          gap: async (assignment, gap) => sink.gap(one(assignment), gap),
          failed: (error) => sink.failed(error),
        },
        signal,
      ),
    settle: async (settlements, signal) =>
      consumer.settle(
        settlements.map((settlement) => ({
          ...settlement,
          assignment: current.get(settlement.assignment.partition) ?? settlement.assignment,
        })),
        signal,
      ),
  };
}

/** Defects of what happens when partitions come, go and change hands. */
export const shardMutants: readonly Mutant[] = [
  childrenBeforeParents,
  consumerMutant("ownerships-pass-for-one", ownershipsPassForOne),
  consumerMutant("overlooks-new-partitions", ({ consumer, driver, topic }) => ({
    start: async (sink, signal) => {
      const { partitions } = await driver.admin.describeTopic(topic, signal);
      const isKnown = ({ partition }: Assignment): boolean => partitions.includes(partition);
      const overlooking: Partial<Sink> = {
        assigned: (assignment) => {
          if (isKnown(assignment)) sink.assigned(assignment);
        },
      };
      await consumer.start(override(sink, overlooking), signal);
    },
  })),
  consumerMutant("new-partitions-from-the-latest", ({ consumer, driver, topic, settings }) => ({
    start: async (sink, signal) => {
      const name = { group: settings.group, nativeGroup: settings.nativeGroup };
      const groups = await driver.admin.listGroups(topic, signal);
      if (groups.some(({ group }) => group === settings.group)) {
        const { partitions } = await driver.admin.describeTopic(topic, signal);
        const { places } = await driver.admin.describeGroup(topic, name, signal);
        const added = partitions.filter((partition) => places?.has(partition) === false);
        const latest = new Map(added.map((partition) => [partition, { kind: "latest" as const }]));
        if (added.length > 0) await moveSome(driver.admin, topic, name, latest, signal);
      }
      await consumer.start(sink, signal);
    },
  })),
];
