import type { CaseReport } from "../../../src/conformance/index.ts";

/** A report as the runner makes it. */
export function aReport(name: string, result: CaseReport["result"], more: Partial<CaseReport> = {}): CaseReport {
  return { case: name, promise: 1, provider: "memory", result, reason: null, capability: null, seconds: 0, ...more };
}
