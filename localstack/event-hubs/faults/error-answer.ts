import type { PlannedEffect } from "../../faults/fault-plan.ts";
import { Condition } from "../amqp-refusal.ts";
import type { CallName, FaultVariants } from "./event-hubs-faults.ts";

/** Answers calls of one kind with an error. */
export interface ErrorAnswer {
  readonly call: CallName;
  /** The condition over AMQP: `com.microsoft:server-busy`, … @default amqp:internal-error */
  readonly condition?: string | undefined;
  /** The status of an answer about blobs, tokens or properties. @default 500 */
  readonly status?: number | undefined;
  readonly description?: string | undefined;
  /** For writes: whether they are carried out before the error is answered. @default false */
  readonly isStored?: boolean | undefined;
  /** Skips this many such calls first. @default 0 */
  readonly after?: number | undefined;
  /** @default 1 */
  readonly times?: number | undefined;
  /** Tokens belong to no topic. */
  readonly topic?: string | undefined;
  readonly partition?: string | undefined;
}

export function plannedAnswer(answer: ErrorAnswer): PlannedEffect<FaultVariants> {
  const { call, condition = Condition.internalError, status = 500, isStored = false, after = 0, times = 1, topic, partition } = answer;
  const { description = "The emulator was told to answer so." } = answer;
  return {
    name: call,
    calls: [call],
    effect: [{ what: "error", condition, status, description, isStored }],
    topic,
    partition,
    after,
    times,
  };
}
