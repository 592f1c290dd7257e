import type { PlannedEffect } from "../../faults/fault-plan.ts";
import { commitName } from "../tables/table-call.ts";
import type { FaultEffect, FaultVariant } from "./fault-effect.ts";

/** What happens to calls of one operation of Kinesis or DynamoDB, besides the faults that all emulators share. */
export interface PlannedAnswer {
  /** As the API names it: `GetRecords`, `UpdateItem`, … */
  readonly operation: string;
  /** The error that is answered, by its name: `KMSDisabledException`, … */
  readonly error?: string | undefined;
  /** @default 400, and 500 for names that tell of a failure inside the service */
  readonly status?: number | undefined;
  /** Is the call carried out before? @default false */
  readonly isStored?: boolean | undefined;
  /** The connection is closed instead of an answer, after the call was carried out. */
  readonly losesAnswer?: boolean | undefined;
  /** How much later the call is carried out. */
  readonly delayMs?: number | undefined;
  /** For how long the answer stops in the middle of its body. */
  readonly stallBodyMs?: number | undefined;
  /** Skips this many such calls first. @default 0 */
  readonly after?: number | undefined;
  /** @default 1 */
  readonly times?: number | undefined;
  /** Only calls about this stream, or about this table. */
  readonly topic?: string | undefined;
  /** Only calls about this shard, or this key of a lease. */
  readonly partition?: string | undefined;
}

export function plannedAnswer(answer: PlannedAnswer): PlannedEffect<readonly FaultVariant[]> {
  const { operation, after = 0, times = 1, topic, partition } = answer;
  const calls = [operation, commitName(operation)];
  return { name: operation, calls, effect: [effectsOf(answer)], topic, partition, after, times };
}

function effectsOf({ error, status, isStored = false, losesAnswer = false, delayMs, stallBodyMs }: PlannedAnswer): FaultVariant {
  const effects: FaultEffect[] = [];
  if (delayMs !== undefined) effects.push({ what: "delay", durationMs: delayMs });
  if (stallBodyMs !== undefined) effects.push({ what: "stall-body", durationMs: stallBodyMs });
  if (losesAnswer) effects.push({ what: "lose-answer" });
  if (error === undefined) return effects;
  const planned = status ?? (error.startsWith("Internal") ? 500 : 400);
  return [...effects, { what: "error", type: error, status: planned, message: "As it was planned.", isStored }];
}
