import { channels } from "../diagnostics/channels.ts";
import { StreamError } from "../errors.ts";
import type { DriverGap } from "./place.ts";
import { type MessageSource, encodePosition } from "./position.ts";
import type { Gap } from "./range-types.ts";

/** The reader or the group that met the gap. */
type GapReader = "reader" | { readonly group: string };

/**
 * Reports messages that retention removed before they were read. Resolves when the caller may continue behind them.
 * @param who a reader, or the group whose position is gone
 * @throws `position-out-of-range` unless there is an `onGap` · `handler-failed` when that fails
 */
export async function acceptGap(
  who: GapReader,
  source: MessageSource,
  gap: DriverGap,
  onGap: ((gap: Gap) => unknown) | undefined,
): Promise<void> {
  const { provider, topic, partition, identity } = source;
  const { missing } = gap;
  const group = who === "reader" ? null : who.group;
  if (channels.gap.hasSubscribers) channels.gap.publish({ provider, topic, group, partition, missing });
  const place = gap.resumesAt;
  const resumesAt = place.kind === "at" ? encodePosition({ provider, ...identity, partition, position: place.position }) : null;
  const details = { provider, topic, partition, position: resumesAt ?? undefined, operation: group === null ? "read" : "consume" };
  if (onGap === undefined) throw new StreamError("position-out-of-range", refusal(group, partition, missing), details);
  try {
    await onGap({ topic, partition, resumesAt, missing });
  } catch (cause) {
    throw new StreamError("handler-failed", "onGap failed", { ...details, cause });
  }
}

function refusal(group: string | null, partition: string, missing: number | null): string {
  const count = missing === null ? "an unknown number of messages" : `${missing} ${missing === 1 ? "message" : "messages"}`;
  const where = `in partition ${JSON.stringify(partition)}`;
  return group === null
    ? `retention has removed ${count} of the range ${where}; give onGap to go on behind them`
    : `retention has removed ${count} from where group ${JSON.stringify(group)} stands ${where}; give onGap to go on behind them, or reset the group`;
}
