import { type Command, Option } from "commander";
import { selectCases } from "../conformance/case-pattern.ts";
import {
  type DefinedCase,
  compareRuns,
  conformanceCases,
  differenceAsText,
  parseExpectedResults,
  parseJsonLines,
  runAsJUnit,
  runAsMarkdown,
} from "../conformance/index.ts";
import { isStreamError } from "../errors.ts";
import { readInputFile } from "./conformance/files.ts";
import { EMULATOR_RULE } from "./conformance/load-emulator.ts";
import { withTarget } from "./conformance/open-target.ts";
import { ReportFile } from "./conformance/report-file.ts";
import { runSuite } from "./conformance/run-suite.ts";
import { type AdapterOptions, connectionTarget, withUrl } from "./options/connection-url.ts";
import { collect, parseCount, parseDuration, parseNames } from "./options/parse-values.ts";
import { counted } from "./output/duration-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { table } from "./output/table.ts";
import { UsageError } from "./process/exit-errors.ts";
import { interruptible } from "./process/interruption.ts";
import { ADAPTER_RULE } from "./process/load-adapter.ts";
import type { OpenHandles } from "./process/open-handles.ts";

const CASES_AT_ONCE = 8;

const DETAILS = `
Each case makes topics and groups of its own (case-…) and deletes them, also
after Ctrl-C. Where they cannot or may not be created, --topics lends some to
one case at a time: they are neither changed nor deleted, and the messages of
the cases stay in them.
Cases that need a fault run on memory:, whose emulator is in this process, and
with --emulator. On other targets they are missing: "fault <kind>".

--adapter takes a file or an installed package. Its opener is a function from a
URL to a driver:
  ${ADAPTER_RULE}.
--emulator takes one too. Its opener is a function from the URL to an emulator:
  ${EMULATOR_RULE}.
adapters/README.md of this package describes how to write both.

--expected takes JSON:
  { "unsupported": { case: capability }, "missing": { case: reason },
    "deviations": { case: why it fails } }
Exactly these cases must have these results, and all others must pass. An entry
that is not true any more is a problem too.

The files of --junit and --markdown are written as a whole when the run has
ended. An interrupted run leaves no file, not even that of an earlier run.

Exit codes: 0 nothing is wrong; 1 a case failed or has another result than
expected, or something is still open at the end (with --compare: the runs
differ); 2 wrong usage or no connection.

Examples:
  streamport conformance memory:
  streamport conformance kafka://localhost:9092 --json > kafka.jsonl
  streamport conformance --run 'ordering/**' --run 'replay/*/from' --bail
  streamport conformance files:/tmp/streams --adapter ./files-adapter.js
  streamport conformance files:/tmp/streams --adapter ./files-adapter.js \\
    --emulator ./files-emulator.js --run 'fault/**' --show-causes
  streamport conformance --expected kafka.json --junit kafka.xml
  streamport conformance 'memory:own?create=a,b,c&without=topicAdmin' \\
    --topics a,b,c --groups g,h,i
  streamport conformance --run 'group/**' --repeat 20 --parallel
  streamport conformance --compare before.jsonl after.jsonl
  streamport conformance --list`;

interface Options extends AdapterOptions {
  readonly run?: readonly string[];
  readonly topics?: readonly string[];
  readonly groups?: readonly string[];
  readonly emulator?: string;
  readonly expected?: string;
  readonly bail?: boolean;
  readonly repeat: number;
  readonly parallel?: number | true;
  readonly timeout?: number;
  readonly showCauses?: boolean;
  readonly json?: boolean;
  readonly junit?: string;
  readonly markdown?: string;
  readonly list?: boolean;
  readonly compare?: readonly string[];
}

export function addConformance(program: Command, handles: OpenHandles): void {
  withUrl(program.command("conformance"))
    .summary("prove that a provider keeps the promises")
    .description("Runs the conformance suite: the promises that every provider keeps, as named cases.")
    .option("--run <pattern>", "only cases of this name; * is a part of it, ** any number of parts; repeatable", collect)
    .option("--topics <names>", "topics to use instead of new ones, separated by commas: three, with several partitions", parseNames)
    .option("--groups <names>", "groups to use with them, separated by commas: three; needed where groups must exist first", parseNames)
    .option("--emulator <module>", "an emulator of your own, for the cases with faults: a file or a package")
    .option("--expected <file>", "the expected results other than passed")
    .option("--bail", "stop at the first case that is wrong")
    .addOption(new Option("--repeat <count>", "run each case so often, and report the worst result").default(1).argParser(parseCount))
    .option(
      "--parallel [count]",
      `cases at once (default: ${CASES_AT_ONCE}; without a count ${CASES_AT_ONCE} for each repetition)`,
      parseCount,
    )
    .option("--timeout <duration>", "for each case (default: 30s, or 1,000 calls of a slow target)", parseDuration)
    .option("--show-causes", "print what the provider answered where it was retried, and why cases failed, on standard error")
    .option("--json", "as JSON lines: one for each case, then the summary")
    .option("--junit <file>", "write JUnit XML as well")
    .option("--markdown <file>", "write a page of Markdown as well: the matrix, and what did not pass")
    .addOption(new Option("--list", "show the cases instead: promise, mutant, gates, faults").conflicts("compare"))
    .option("--compare <files...>", "show how two runs differ that were written with --json")
    .addHelpText("after", DETAILS)
    .action(async (url: string | undefined, options: Options) => {
      const holds = await conformance(url, options, handles);
      if (!holds) process.exitCode = 1;
    });
}

/** @returns whether nothing is wrong */
async function conformance(url: string | undefined, options: Options, handles: OpenHandles): Promise<boolean> {
  const { json = false, junit, markdown } = options;
  if (options.compare !== undefined) {
    if (url !== undefined) throw new UsageError("--compare reads files: it takes no URL");
    return compareFiles(options.compare, json);
  }
  const cases = chosenCases(options.run);
  if (options.list === true) {
    await listCases(cases, json);
    return true;
  }
  const target = connectionTarget(url, options);
  const expected = options.expected === undefined ? null : await readInputFile(options.expected, parseExpectedResults);
  const junitFile = junit === undefined ? null : await ReportFile.prepare(junit);
  const markdownFile = markdown === undefined ? null : await ReportFile.prepare(markdown);
  const { bail = false, repeat, timeout: timeoutMs, showCauses = false } = options;
  const parallel = options.parallel === true ? CASES_AT_ONCE * repeat : (options.parallel ?? CASES_AT_ONCE);
  return interruptible((interrupted) =>
    withTarget(target, options, interrupted, async (opened) => {
      const run = await runSuite(cases, opened, { expected, json, bail, repeat, parallel, timeoutMs, showCauses }, handles, interrupted);
      await junitFile?.write(runAsJUnit(run));
      await markdownFile?.write(runAsMarkdown(run, opened.capabilities));
      return run.holds;
    }),
  );
}

function chosenCases(patterns: readonly string[] | undefined): ReturnType<typeof conformanceCases> {
  if (patterns === undefined) return conformanceCases();
  try {
    return selectCases(conformanceCases(), patterns);
  } catch (error) {
    if (isStreamError(error)) throw new UsageError(`--run: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Prints the differences between two runs that were written with `--json`. @returns whether they are equal */
async function compareFiles(files: readonly string[], json: boolean): Promise<boolean> {
  const [first, second] = files;
  if (first === undefined || second === undefined || files.length > 2) {
    throw new UsageError(`--compare takes two files, as written by --json; received ${files.length}`);
  }
  const [before, after] = await Promise.all([first, second].map((file) => readInputFile(file, (text) => parseJsonLines(text, file))));
  const differences = compareRuns(before!.reports, after!.reports);
  const lines = differences.map((difference) => (json ? JSON.stringify(difference) : differenceAsText(difference)));
  if (!json) {
    const runs = [before!, after!].map(({ summary, reports }) => `${summary.provider} (${reports.length} cases)`).join(" and ");
    lines.push(`${runs}: ${differences.length === 0 ? "no difference" : counted(differences.length, "difference")}`);
  }
  await new StandardOutput().write(lines.map((line) => `${line}\n`).join(""));
  return differences.length === 0;
}

/** Prints the cases, each with its promise, its mutant, the capabilities and the faults that it needs. */
async function listCases(cases: readonly DefinedCase[], json: boolean): Promise<void> {
  const rows = cases.map(({ name, promise, mutant, gates, faults }) => ({ case: name, promise, mutant, gates, faults }));
  const text = json
    ? rows.map((row) => `${JSON.stringify(row)}\n`).join("")
    : table([
        ["case", "promise", "mutant", "gates", "faults"],
        ...rows.map((row) => [row.case, String(row.promise), row.mutant, row.gates.join(" "), row.faults.join(" ")]),
      ]);
  await new StandardOutput().write(text);
}
