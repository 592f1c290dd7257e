import { StreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import type { OpenSide } from "../side.ts";

/** Where that moves keys. @param before how many partitions there were when messages were copied */
export function partitionsWereAdded(side: "source" | "target", { context }: OpenSide, before: number): StreamError {
  const { provider, topic } = context;
  const harm =
    side === "source"
      ? "what was stored before in the former partition of a key may be copied behind what is stored in its new one"
      : "readers of the target may get what was copied before behind what is copied from now on";
  const text =
    `partitions were added to the ${side} ${showName(topic)}, which had ${before} when messages were copied: keys have moved to other partitions, and ${harm}. ` +
    "To go on nevertheless, allow it (--may-reorder, in the library `mayReorder`); otherwise copy anew, to another target";
  return new StreamError("conflict", text, { provider, topic, operation: "copy" });
}
