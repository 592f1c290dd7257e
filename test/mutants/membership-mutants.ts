import { StreamError } from "../../src/errors.ts";
import { consumerMutant, settingsMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";

const NEVER = new AbortController().signal;

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
