import { channels } from "../diagnostics/channels.ts";
import type { ConsumerDriver, Settlement } from "../driver/consumer-driver.ts";
import type { StreamError } from "../errors.ts";
import { encodePosition } from "../position/position.ts";
import type { TopicServices } from "./consumer-options.ts";

/** One call of the driver's `settle`, told on `streamport:commit`. Answers one result a settlement; never rejects. */
export async function settleWithDriver(
  driver: ConsumerDriver,
  services: TopicServices,
  group: string,
  settlements: readonly Settlement[],
  signal: AbortSignal,
): Promise<readonly (StreamError | null)[]> {
  const results = await settle(driver, services, settlements, signal);
  if (channels.commit.hasSubscribers) {
    const { provider, topic } = services;
    for (const [index, { assignment, through }] of settlements.entries()) {
      const { partition, identity } = assignment;
      const position = through === null ? null : encodePosition({ provider, ...identity, partition, position: through });
      channels.commit.publish({ provider, topic, group, partition, position, error: results[index] ?? null });
    }
  }
  return results;
}

async function settle(
  driver: ConsumerDriver,
  services: TopicServices,
  settlements: readonly Settlement[],
  signal: AbortSignal,
): Promise<readonly (StreamError | null)[]> {
  try {
    const results = await driver.settle(settlements, signal);
    return results.map((error) => (error === null ? null : services.toError(error, "consume")));
  } catch (thrown) {
    const error = services.toError(thrown, "consume");
    return settlements.map(() => error);
  }
}
