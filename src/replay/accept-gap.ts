import { channels } from "../diagnostics/channels.ts";
import type { DriverGap } from "../driver/consumer-driver.ts";
import { StreamError } from "../errors.ts";
import type { MessageSource } from "../message.ts";
import { encodePosition } from "../position.ts";
import type { Gap } from "./reader-types.ts";

/**
 * Tells of messages that retention removed before they were read. Resolves when reading may go on behind them.
 * @throws `position-out-of-range` unless there is an `onGap` · `handler-failed` when that fails
 */
export async function acceptGap(source: MessageSource, gap: DriverGap, onGap: ((gap: Gap) => unknown) | undefined): Promise<void> {
  const { provider, topic, partition, identity } = source;
  const { missing } = gap;
  if (channels.gap.hasSubscribers) channels.gap.publish({ provider, topic, group: null, partition, missing });
  const resumesAt = encodePosition({ provider, ...identity, partition, position: gap.resumesAt });
  const details = { provider, topic, partition, position: resumesAt, operation: "read" };
  if (onGap === undefined) {
    const count = missing === null ? "an unknown number of messages" : `${missing} ${missing === 1 ? "message" : "messages"}`;
    throw new StreamError(
      "position-out-of-range",
      `retention has removed ${count} of the range in partition ${JSON.stringify(partition)}; give onGap to go on behind them`,
      details,
    );
  }
  try {
    await onGap({ topic, partition, resumesAt, missing });
  } catch (cause) {
    throw new StreamError("handler-failed", "onGap failed", { ...details, cause });
  }
}
