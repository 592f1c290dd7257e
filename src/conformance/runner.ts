import type { Capability } from "../capabilities.ts";
import type { CaseResult, ConformanceCase } from "./case.ts";
import { selectCases } from "./case-pattern.ts";
import type { CaseReport } from "./results.ts";
import type { ConformanceTarget } from "./target.ts";

/** A case as the runner takes it: of this suite, or of somebody else's. */
export type RunnableCase = Omit<ConformanceCase, "run"> & {
  readonly exclusive?: boolean;
  run(target: ConformanceTarget, signal: AbortSignal): Promise<CaseResult & { readonly capability?: Capability | null }>;
};

export interface RunOptions {
  /** Patterns of case names. @default all */
  run?: readonly string[] | undefined;
  /** Cases at once. @default 8 */
  parallel?: number | undefined;
  /** Of each case. @default 30_000 */
  timeoutMs?: number | undefined;
  /** As they come. */
  onResult?: ((report: CaseReport) => void) | undefined;
  /** Starts no more cases and ends those that run. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs cases on a target, several at once; those that must be alone come last, one after the other.
 * @returns the reports in the order of the cases
 */
export async function runCases(
  cases: readonly RunnableCase[],
  target: ConformanceTarget,
  options: RunOptions = {},
): Promise<readonly CaseReport[]> {
  const { parallel = 8, timeoutMs = 30_000, onResult, signal } = options;
  const selected = options.run === undefined ? cases : selectCases(cases, options.run);
  const provider = await providerOf(target);
  const reports = new Map<string, CaseReport>();

  const runOne = async (conformanceCase: RunnableCase): Promise<void> => {
    const result = await runWithin(conformanceCase, target, timeoutMs, signal);
    const report: CaseReport = {
      case: conformanceCase.name,
      promise: conformanceCase.promise,
      provider,
      result: result.result,
      reason: result.reason,
      capability: result.capability ?? null,
      seconds: result.seconds,
    };
    reports.set(report.case, report);
    onResult?.(report);
  };

  const together = selected.filter((conformanceCase) => conformanceCase.exclusive !== true);
  const alone = selected.filter((conformanceCase) => conformanceCase.exclusive === true);
  // Lent topics are everybody's: only one case at a time has them.
  await drain(together, target.topics === undefined ? Math.max(1, parallel) : 1, runOne, signal);
  await drain(alone, 1, runOne, signal);
  signal?.throwIfAborted();
  return selected.map(({ name }) => reports.get(name)!);
}

async function providerOf(target: ConformanceTarget): Promise<string> {
  const connection = await target.connect();
  await connection.close();
  return connection.provider;
}

async function drain(
  cases: readonly RunnableCase[],
  workers: number,
  runOne: (conformanceCase: RunnableCase) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const queue = cases.values();
  const work = async (): Promise<void> => {
    for (const conformanceCase of queue) {
      if (signal?.aborted === true) return;
      await runOne(conformanceCase);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

async function runWithin(
  conformanceCase: RunnableCase,
  target: ConformanceTarget,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): ReturnType<RunnableCase["run"]> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error(`the case took more than ${timeoutMs} ms`)), timeoutMs);
  try {
    return await conformanceCase.run(target, signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]));
  } finally {
    clearTimeout(timer);
  }
}
