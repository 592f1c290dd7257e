import { channels } from "../diagnostics/channels.ts";
import type { DriverGap } from "../driver/consumer-driver.ts";
import { StreamError } from "../errors.ts";
import type { MessageSource } from "../message.ts";
import { encodePosition } from "../position.ts";
import type { ConsumerPlan } from "./consumer-options.ts";

/**
 * Tells that retention has passed where the group stands. Resolves when it may go on behind the gap.
 * @throws `position-out-of-range` unless there is an `onGap` · `handler-failed` when that fails
 */
export async function acceptGroupGap({ group, onGap }: ConsumerPlan, source: MessageSource, gap: DriverGap): Promise<void> {
  const { provider, topic, partition, identity } = source;
  const resumesAt = encodePosition({ provider, ...identity, partition, position: gap.resumesAt });
  const details = { provider, topic, partition, position: resumesAt, operation: "consume" };
  if (onGap === undefined) {
    throw new StreamError(
      "position-out-of-range",
      `retention has passed where group ${JSON.stringify(group)} stands; set onGap to go on behind the gap, or reset the group`,
      details,
    );
  }
  try {
    await onGap({ topic, partition, resumesAt, missing: gap.missing });
  } catch (cause) {
    throw new StreamError("handler-failed", "onGap failed", { ...details, cause });
  }
  if (channels.gap.hasSubscribers) channels.gap.publish({ provider, topic, group, partition, missing: gap.missing });
}
