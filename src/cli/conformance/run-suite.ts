import { styleText } from "node:util";
import {
  type DefinedCase,
  type ExpectedResults,
  type JudgedRun,
  type TextStyle,
  caseAsJson,
  caseAsText,
  conformanceCases,
  judgeCase,
  judgeRun,
  problemsOf,
  runAsText,
  runCases,
  summarize,
  summaryAsJson,
} from "../../conformance/index.ts";
import { Progress } from "../output/progress.ts";
import { StandardOutput } from "../output/standard-output.ts";
import type { OpenHandles } from "../process/open-handles.ts";
import { CauseWatch } from "./cause-watch.ts";
import type { OpenedTarget } from "./open-target.ts";

export interface SuiteOptions {
  readonly expected: ExpectedResults | null;
  readonly json: boolean;
  readonly bail: boolean;
  readonly repeat: number;
  readonly parallel: number;
  readonly timeoutMs: number | undefined;
  readonly showCauses: boolean;
}

/**
 * Runs cases, and prints each result as soon as it is known: lines of JSON, or text for people.
 * @param handles those of the process: what a case leaves open bears its name
 * @param interrupted ends the run: the cases delete what they created before this rejects with its reason
 */
export async function runSuite(
  cases: readonly DefinedCase[],
  { target, provider }: OpenedTarget,
  { expected, json, bail, repeat, parallel, timeoutMs, showCauses }: SuiteOptions,
  handles: OpenHandles,
  interrupted: AbortSignal,
): Promise<JudgedRun> {
  const output = new StandardOutput();
  const style = terminalStyle(process.stdout);
  const unread = new AbortController();
  using causes = showCauses
    ? new CauseWatch(
        (line) => console.error(line),
        () => handles.work,
      )
    : null;
  let ended = 0;
  let wrong = 0;
  const progress = new Progress(() => `${ended} of ${cases.length} cases, ${wrong} wrong`, { hidden: output.isTerminal });
  try {
    const reports = await runCases(namingHandles(cases, handles), target, {
      repeat,
      parallel,
      timeoutMs,
      signal: AbortSignal.any([interrupted, unread.signal]),
      bail: bail ? (report) => judgeCase(report, expected).problem !== null : undefined,
      onFailure: (name, error) => causes?.failed(name, error),
      onNotCleanedUp: (leftovers) => {
        for (const what of leftovers) console.error(`could not be deleted: ${what}`);
      },
      onResult: (report) => {
        const judged = judgeCase(report, expected);
        ended += 1;
        if (judged.problem !== null) wrong += 1;
        const line = json ? caseAsJson(report) : caseAsText(judged, style);
        // If the reader of the output has gone, the run ends.
        output.write(`${line}\n`).catch((error: unknown) => unread.abort(error));
      },
    });
    const run = judgeRun(provider, reports, expected, conformanceCases());
    await output.write(json ? `${summaryAsJson(summarize(provider, reports))}\n` : `\n${runAsText(run, style)}\n`);
    // The lines for programs do not hold the expected results, so problems go to standard error.
    if (json) for (const { name, problem } of problemsOf(run)) console.error(`${name}: ${problem}`);
    return run;
  } finally {
    progress.end();
  }
}

/** The same cases. What one of them leaves open bears its name. */
function namingHandles(cases: readonly DefinedCase[], handles: OpenHandles): readonly DefinedCase[] {
  return cases.map((one) => ({ ...one, run: async (...args) => handles.during(one.name, async () => one.run(...args)) }));
}

/** Colours on a terminal; plain text elsewhere, and with NO_COLOR. */
export function terminalStyle(stream: NodeJS.WriteStream): TextStyle {
  const painted = (format: "green" | "red" | "dim") => (text: string) => styleText(format, text, { stream });
  return { good: painted("green"), bad: painted("red"), faint: painted("dim") };
}
