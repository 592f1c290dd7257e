import type { CaseResult, ConformanceCase, DefinedCaseResult } from "./case.ts";
import { selectCases } from "./case-pattern.ts";
import type { Connection } from "../connection-types.ts";
import { StreamError } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import { type Pace, longEnough } from "./pace.ts";
import type { CaseReport } from "./results.ts";
import type { ConformanceTarget } from "./target.ts";

const SEVERITY: Readonly<Record<CaseResult["result"], number>> = { passed: 0, unsupported: 1, "environment-missing": 2, failed: 3 };

const TIMEOUT_MS = 30_000;
/** More calls than the longest case makes one after the other. */
const CASE_CALLS = 1_000;
const CHECK_TIMEOUT_MS = 10_000;

/** A case for the runner: of this suite, or of another one. */
export type RunnableCase = Omit<ConformanceCase, "run"> & {
  readonly exclusive?: boolean;
  run(target: ConformanceTarget, signal: AbortSignal, pace: Pace): Promise<RunnableResult>;
};

type RunnableResult = CaseResult & Partial<Pick<DefinedCaseResult, "capability" | "notCleanedUp" | "error">>;

export interface RunOptions {
  /** Patterns of case names. @default all */
  run?: readonly string[] | undefined;
  /** Cases that run at once, repetitions included; 1 where the target lends its topics. @default 8 */
  parallel?: number | undefined;
  /** How often each case runs, as many at the same time as `parallel` allows. The worst result is reported. @default 1 */
  repeat?: number | undefined;
  /** For each case. @default 30_000; more where 1,000 calls take longer, by the measured time of one */
  timeoutMs?: number | undefined;
  /** Is called for each report as soon as it is known. */
  onResult?: ((report: CaseReport) => void) | undefined;
  /** Is called with what a failed case threw: its causes are the errors of the provider, with their texts. */
  onFailure?: ((name: string, error: unknown) => void) | undefined;
  /** Is called with the topics and groups that a case created and could not delete, each with the reason: `topic case-1: unavailable (…)`. */
  onNotCleanedUp?: ((leftovers: readonly string[]) => void) | undefined;
  /**
   * Is asked after each run of a case. Once it returns true, no more cases start, running cases are ended, and their results
   * are dropped.
   */
  bail?: ((report: CaseReport) => boolean) | undefined;
  /** When it aborts, no more cases start and running cases are ended. They still delete what they created. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs cases on a target, several at once. Exclusive cases run last, one after the other.
 * @returns the reports in the order of the cases; after `bail`, of those that had ended
 * @throws `configuration` for an emulator without `faultKinds` · the reason of `signal`, once the cases have deleted what they created
 */
export async function runCases(
  cases: readonly RunnableCase[],
  target: ConformanceTarget,
  options: RunOptions = {},
): Promise<readonly CaseReport[]> {
  requireFaultKinds(target);
  const { parallel = 8, repeat = 1, onResult, onFailure, onNotCleanedUp, bail, signal } = options;
  const selected = options.run === undefined ? cases : selectCases(cases, options.run);
  const { provider, pace } = await measure(target);
  const timeoutMs = options.timeoutMs ?? longEnough(TIMEOUT_MS, CASE_CALLS, pace);
  const enough = new AbortController();
  const stop = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const runs = new Map<string, [CaseReport, ...CaseReport[]]>();
  const reports = new Map<string, CaseReport>();

  const runOne = async (conformanceCase: RunnableCase): Promise<void> => {
    const { name, promise } = conformanceCase;
    const result = await runWithin(conformanceCase, target, { pace, timeoutMs }, stop);
    if (result.notCleanedUp !== undefined && result.notCleanedUp.length > 0) onNotCleanedUp?.(result.notCleanedUp);
    // A case that was ended early has no result.
    if (stop.aborted) return;
    const { result: outcome, reason, capability = null, seconds } = result;
    if (outcome === "failed") onFailure?.(name, result.error);
    const report: CaseReport = { case: name, promise, provider, result: outcome, reason, capability, seconds };
    const before = runs.get(name);
    const all: [CaseReport, ...CaseReport[]] = before === undefined ? [report] : [...before, report];
    runs.set(name, all);
    const isEnough = bail?.(report) === true;
    if (isEnough || all.length === repeat) {
      reports.set(name, worstOf(all));
      onResult?.(worstOf(all));
    }
    if (isEnough) enough.abort(new Error("the run ended because of another case"));
  };

  const repeated = selected.flatMap((conformanceCase) => Array.from({ length: repeat }, () => conformanceCase));
  const together = repeated.filter((conformanceCase) => conformanceCase.exclusive !== true);
  const alone = repeated.filter((conformanceCase) => conformanceCase.exclusive === true);
  // All cases use the same lent topics, so only one case runs at a time.
  await drain(together, target.topics === undefined ? Math.max(1, parallel) : 1, runOne, stop);
  await drain(alone, 1, runOne, stop);
  signal?.throwIfAborted();
  return selected.flatMap(({ name }) => reports.get(name) ?? []);
}

/** An emulator may come from JavaScript. @throws `configuration` */
function requireFaultKinds({ emulator }: ConformanceTarget): void {
  if (emulator === undefined || Array.isArray(emulator.faultKinds)) return;
  throw new StreamError(
    "configuration",
    `an emulator lists the faults that it can show in faultKinds; received ${describeValue(emulator.faultKinds)}`,
  );
}

/** The time of one call is measured once, before the first case. A target that cannot be reached has no pace: the cases report it. */
async function measure(target: ConformanceTarget): Promise<{ readonly provider: string; readonly pace: Pace }> {
  const connection = await target.connect();
  try {
    // The first call may include the opening of a connection.
    const first = await timeOfCall(connection);
    const second = first === null ? null : await timeOfCall(connection);
    return { provider: connection.provider, pace: { callMs: Math.min(first ?? 0, second ?? first ?? 0) } };
  } finally {
    await connection.close();
  }
}

/** @returns `null` if the call fails */
async function timeOfCall(connection: Connection): Promise<number | null> {
  try {
    const { error, latencyMs } = await connection.check({ signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    return error === null ? latencyMs : null;
  } catch {
    // The time is over.
    return null;
  }
}

async function drain(
  cases: readonly RunnableCase[],
  workers: number,
  runOne: (conformanceCase: RunnableCase) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const queue = cases.values();
  const work = async (): Promise<void> => {
    for (const conformanceCase of queue) {
      if (signal.aborted) return;
      await runOne(conformanceCase);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, cases.length) }, work));
}

async function runWithin(
  conformanceCase: RunnableCase,
  target: ConformanceTarget,
  { pace, timeoutMs }: { readonly pace: Pace; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<RunnableResult> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error(`the case took more than ${timeoutMs} ms`)), timeoutMs);
  try {
    return await conformanceCase.run(target, AbortSignal.any([deadline.signal, signal]), pace);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Several runs of one case as one report: the worst result, the number of runs that had it, its first reason, and
 * the longest time. If all runs have the same result, and it is not a failure, the report is like that of a single run.
 */
export function worstOf(runs: readonly [CaseReport, ...CaseReport[]]): CaseReport {
  const worst = runs.reduce((soFar, run) => (SEVERITY[run.result] > SEVERITY[soFar.result] ? run : soFar));
  const count = runs.filter(({ result }) => result === worst.result).length;
  const seconds = Math.max(...runs.map((run) => run.seconds));
  if (runs.length === 1 || (count === runs.length && worst.result !== "failed")) return { ...worst, seconds };
  return { ...worst, reason: `in ${count} of ${runs.length} runs: ${worst.reason}`, seconds };
}
