import type { Lag } from "../admin/admin-types.ts";
import type { TopicServices } from "./consumer-options.ts";

/** How far a group is behind in these partitions. A figure that one of them does not tell is not told for all of them. */
export async function lagOf(services: TopicServices, group: string, partitions: readonly string[], signal: AbortSignal): Promise<Lag> {
  const { driver, nativeTopic, capabilities } = services;
  const lag = await driver.admin.lag(nativeTopic, { group, nativeGroup: services.nativeGroup(group) }, signal);
  const own = lag.partitions.filter(({ partition }) => partitions.includes(partition));
  const total = (values: (number | null)[], join: (sum: number, value: number) => number): number | null =>
    values.reduce<number | null>((sum, value) => (sum === null || value === null ? null : join(sum, value)), 0);
  return {
    messages: capabilities.lagInMessages
      ? total(
          own.map(({ messages }) => messages),
          (sum, value) => sum + value,
        )
      : null,
    timeMs: capabilities.lagInTime
      ? total(
          own.map(({ timeMs }) => timeMs),
          Math.max,
        )
      : null,
    partitions: own,
  };
}
