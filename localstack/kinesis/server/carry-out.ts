import { setTimeout as delay } from "node:timers/promises";
import type { RequestFaults } from "../faults/request-faults.ts";
import type { Service } from "../service.ts";
import { ServiceError } from "../service-error.ts";
import type { HttpAnswer } from "./http-call.ts";

export type Answered = HttpAnswer | "hang up";

/** Carries out a call with the faults that apply to it. @param carryOut also takes what is about the call alone */
export async function carryOutWithFaults(
  service: Service,
  faults: RequestFaults,
  gone: AbortSignal,
  carryOut: () => Promise<HttpAnswer>,
): Promise<Answered> {
  if (faults.isEmpty && service.latencyMs === 0) return carryOut();
  if (faults.has("restart")) {
    service.restart();
    return "hang up";
  }
  if (faults.has("disconnect")) return "hang up";
  const waitMs = service.latencyMs + faults.durationMs("delay");
  if (waitMs > 0 && !(await delay(waitMs, true, { signal: gone }).catch(() => false))) return "hang up";
  throwPlanned(faults, false);
  const answered = await carryOut();
  if (faults.has("lose-answer")) return "hang up";
  if (answered.status === 200) throwPlanned(faults, true);
  return { ...answered, stallMs: faults.durationMs("stall-body") };
}

function throwPlanned(faults: RequestFaults, isStored: boolean): void {
  const planned = faults.error(isStored);
  if (planned !== null) throw new ServiceError(planned.type, planned.message, planned.status);
}
