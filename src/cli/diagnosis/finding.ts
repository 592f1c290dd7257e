import type { StreamError } from "../../errors.ts";
import { adviceFor } from "./advice.ts";

/** What one check of `doctor` has found; printed as it is by `--json`. */
export interface Finding {
  readonly check: string;
  /** `doubtful`: may be as it is meant. */
  readonly result: "ok" | "doubtful" | "failed" | "not-tried";
  readonly detail: string;
  /** What to do; `null` where there is nothing to. */
  readonly advice: string | null;
}

export function ok(check: string, detail: string): Finding {
  return { check, result: "ok", detail, advice: null };
}

export function doubtful(check: string, detail: string, advice: string): Finding {
  return { check, result: "doubtful", detail, advice };
}

export function notTried(check: string, detail: string, advice: string | null = null): Finding {
  return { check, result: "not-tried", detail, advice };
}

/** What was looked for is not there: what else was to be looked at on it would find the same. */
export function isNotFound({ result, detail }: Finding): boolean {
  return result === "failed" && detail.startsWith("not-found: ");
}

/** A capability that is missing is no fault of anybody's. */
export function failed(check: string, error: StreamError): Finding {
  const detail = `${error.code}: ${error.message}`;
  return error.code === "unsupported" ? notTried(check, detail) : { check, result: "failed", detail, advice: adviceFor(error) };
}
