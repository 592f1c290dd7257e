import { StreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import type { MessageSource } from "../../position/position.ts";
import type { OpenSide } from "../side.ts";

/** The target holds what was copied later, and not a message before it: written now, it would come out of order. @param later a position of the source that it holds */
export function missingInTarget(
  { provider, topic, partition, positionOf }: MessageSource,
  later: string,
  { context }: OpenSide,
): StreamError {
  const text =
    `the target ${showName(context.topic)} holds a message of this position, and not all that had to be copied before it: its retention or compaction has removed them, ` +
    "or the copy began behind them. Written now they would be out of order. Give the checkpoints of the former copy, put its group behind this position, or copy to another target";
  return new StreamError("position-out-of-range", text, { provider, topic, partition, position: positionOf(later), operation: "copy" });
}
