import { StreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import type { OpenSide } from "../side.ts";

/**
 * @param before how many partitions there were when messages with keys were copied; `undefined`: not known
 * @param now how many there are; `undefined`: more of them move no keys
 * @throws `conflict` where there are more now
 */
export function requireNotGrown(side: "source" | "target", of: OpenSide, before: number | undefined, now: number | undefined): void {
  if (before !== undefined && now !== undefined && now > before) throw partitionsWereAdded(side, of, before);
}

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
