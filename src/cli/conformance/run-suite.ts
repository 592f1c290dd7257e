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
import type { OpenedTarget } from "./open-target.ts";

export interface SuiteOptions {
  readonly expected: ExpectedResults | null;
  readonly json: boolean;
  readonly bail: boolean;
  readonly repeat: number;
  readonly parallel: number;
  readonly timeoutMs: number | undefined;
}

/**
 * Runs cases, and shows them as they come: lines of JSON, or text for people.
 * @param interrupted ends the run; what the cases have made is given back before this rejects with its reason
 */
export async function runSuite(
  cases: readonly DefinedCase[],
  { target, provider }: OpenedTarget,
  { expected, json, bail, repeat, parallel, timeoutMs }: SuiteOptions,
  interrupted: AbortSignal,
): Promise<JudgedRun> {
  const output = new StandardOutput();
  const style = terminalStyle(process.stdout);
  const unread = new AbortController();
  let ended = 0;
  let wrong = 0;
  const progress = new Progress(() => `${ended} of ${cases.length} cases, ${wrong} wrong`, { hidden: output.isTerminal });
  try {
    const reports = await runCases(cases, target, {
      repeat,
      parallel,
      timeoutMs,
      signal: AbortSignal.any([interrupted, unread.signal]),
      bail: bail ? (report) => judgeCase(report, expected).problem !== null : undefined,
      onNotCleanedUp: (told) => {
        for (const what of told) console.error(`could not be given back: ${what}`);
      },
      onResult: (report) => {
        const judged = judgeCase(report, expected);
        ended += 1;
        if (judged.problem !== null) wrong += 1;
        const line = json ? caseAsJson(report) : caseAsText(judged, style);
        // Where nobody reads any more there is nobody to run for.
        output.write(`${line}\n`).catch((error: unknown) => unread.abort(error));
      },
    });
    const run = judgeRun(provider, reports, expected, conformanceCases());
    await output.write(json ? `${summaryAsJson(summarize(provider, reports))}\n` : `\n${runAsText(run, style)}\n`);
    // Among the lines for programs there is no place for what was expected.
    if (json) for (const { name, problem } of problemsOf(run)) console.error(`${name}: ${problem}`);
    return run;
  } finally {
    progress.end();
  }
}

/** Colours where the stream is a terminal that wants them; plain text elsewhere, and with NO_COLOR. */
export function terminalStyle(stream: NodeJS.WriteStream): TextStyle {
  const painted = (format: "green" | "red" | "dim") => (text: string) => styleText(format, text, { stream });
  return { good: painted("green"), bad: painted("red"), faint: painted("dim") };
}
