import { StreamError } from "../../errors.ts";
import type { MessageSource } from "../../position/position.ts";

/** At a position that was copied the source has another message now. */
export function cutAndWrittenAnew({ provider, topic, partition, positionOf }: MessageSource, position: string): StreamError {
  const text =
    "the log of the source was cut and written anew: it has another message at this position than the one that was copied, and others may be missing in the target. " +
    "To copy it as it is now, use another target, another group and another place for checkpoints";
  return new StreamError("position-out-of-range", text, { provider, topic, partition, position: positionOf(position), operation: "copy" });
}
