import { adminMutant, moveSome } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";
import { offByOne } from "./replay-mutants.ts";

/** What a member had handled and not settled when it left is settled when the group has been moved. */
const commitsBehindAReset = driverMutant("commits-behind-a-reset", () => {
  const handedOver = new Map<string, string>();
  return (driver) =>
    override(driver, {
      consumer: (topic, settings) => {
        const consumer = driver.consumer(topic, settings);
        return override(consumer, {
          start: async (sink, signal) =>
            consumer.start(
              override(sink, {
                deliver: async (assignment, records) => {
                  handedOver.set(assignment.partition, records.at(-1)!.position);
                  return sink.deliver(assignment, records);
                },
              }),
              signal,
            ),
        });
      },
      admin: override(driver.admin, {
        resetGroup: async (topic, name, to, signal) => {
          await driver.admin.resetGroup(topic, name, to, signal);
          const places = new Map([...handedOver].map(([partition, position]) => [partition, { kind: "after" as const, position }]));
          await moveSome(driver.admin, topic, name, places, signal);
        },
      }),
    });
});

/** Defects of administration. */
export const adminMutants: readonly Mutant[] = [
  adminMutant("reset-does-nothing", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      const { members } = await admin.describeGroup(topic, name, signal);
      if (members !== 0) await admin.resetGroup(topic, name, to, signal);
    },
  })),
  adminMutant("reset-off-by-one", (admin) => ({
    resetGroup: async (topic, name, to, signal) => admin.resetGroup(topic, name, offByOne(to), signal),
  })),
  adminMutant("reset-a-moment-late", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      const late = to.kind === "timestamp" ? { ...to, timestampMs: to.timestampMs + 1 } : to;
      await admin.resetGroup(topic, name, late, signal);
    },
  })),
  adminMutant("resets-some-partitions", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      const { partitions } = await admin.describeTopic(topic, signal);
      const some = partitions.slice(0, Math.ceil(partitions.length / 2));
      if (to.kind !== "earliest" && to.kind !== "latest") return admin.resetGroup(topic, name, to, signal);
      return moveSome(admin, topic, name, new Map(some.map((partition) => [partition, to])), signal);
    },
  })),
  adminMutant("reset-leaves-added-partitions", (admin) => ({
    resetGroup: async (topic, name, to, signal) =>
      to.kind === "places" ? moveSome(admin, topic, name, to.places, signal) : admin.resetGroup(topic, name, to, signal),
  })),
  commitsBehindAReset,
  adminMutant("deleting-a-group-does-nothing", () => ({ deleteGroup: async () => undefined })),
  adminMutant("lag-needs-a-position", (admin) => ({
    lag: async (topic, name, request, signal) => admin.lag(topic, name, { ...request, initialPosition: null }, signal),
  })),
  adminMutant("forgets-to-list-new-topics", (admin) => ({
    listTopics: async (signal) => (await admin.listTopics(signal)).slice(0, 1),
  })),
  adminMutant("lists-groups-of-others", (admin) => ({
    listGroups: async (topic, signal) => [...(await admin.listGroups(topic, signal)), { group: "of-another", nativeGroup: "of-another" }],
  })),
  adminMutant("lag-is-nothing", (admin) => ({
    lag: async (topic, name, request, signal) => {
      const lag = await admin.lag(topic, name, request, signal);
      return { ...lag, messages: 0, partitions: lag.partitions.map((partition) => ({ ...partition, messages: 0 })) };
    },
  })),
  adminMutant("lag-in-time-is-nothing", (admin) => ({
    lag: async (topic, name, request, signal) => {
      const lag = await admin.lag(topic, name, request, signal);
      return { ...lag, timeMs: 0, partitions: lag.partitions.map((partition) => ({ ...partition, timeMs: 0 })) };
    },
  })),
  adminMutant("resets-beside-members-in-silence", (admin) => ({
    resetGroup: async (topic, name, to, signal) => {
      const { members } = await admin.describeGroup(topic, name, signal);
      if (members === 0) await admin.resetGroup(topic, name, to, signal);
    },
  })),
];
