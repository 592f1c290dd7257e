import type { Lag } from "../lag.ts";
import type { ResolvedConsumerOptions, TopicServices } from "./consumer-options.ts";

/**
 * How far a group is behind in these partitions, `null` for all; from its initial position where it stands nowhere.
 * @throws `not-found` where it stands nowhere and shall not begin · what the driver throws
 */
export async function lagOf(
  services: TopicServices,
  { group, initialPosition }: ResolvedConsumerOptions,
  partitions: readonly string[] | null,
  signal: AbortSignal,
): Promise<Lag> {
  const { driver, nativeTopic } = services;
  const start = await initialPosition.resolve(() => driver.identity(nativeTopic, signal));
  const request = { partitions, initialPosition: start === "fail" ? null : start };
  return driver.admin.lag(nativeTopic, { group, nativeGroup: services.nativeGroup(group) }, request, signal);
}
