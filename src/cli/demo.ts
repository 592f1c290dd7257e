import type { Command } from "commander";
import type { DemoRow } from "../../localstack/demo/demo-row.ts";
import type { Check } from "../../localstack/demo/findings.ts";
import type { Emulator } from "../../localstack/emulator.ts";
import type { DemoStep } from "../../localstack/demo/flights-demo.ts";
import { PROMISES } from "../conformance/promises.ts";
import { terminalStyle } from "./conformance/run-suite.ts";
import { Progress } from "./output/progress.ts";
import { table } from "./output/table.ts";
import { ADAPTER_OPTION, type AdapterOptions, type ConnectionTarget } from "./options/connection-url.ts";
import { UsageError } from "./process/exit-errors.ts";
import { connectToTarget } from "./process/with-connection.ts";

const EXAMPLES = `
Examples:
  streamport demo
  streamport demo --only memory --json
  streamport demo kafka://localhost:9092
  streamport demo files:/tmp/streams --adapter ./files-adapter.js`;

interface Options extends AdapterOptions {
  readonly only?: string;
  readonly url?: string;
  readonly json?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command("demo")
    .summary("20,000 flights through two consumers, and replayed")
    .description(
      "20,000 real flights, published with their airport as key, handled by two members of a group, and February replayed. " +
        "Everything is compared with the file; the exit code is 1 when a check fails, 2 when the arguments are wrong.",
    )
    .argument("[url]", "as --url")
    .option("--only <providers>", "these providers, separated by commas (default: all that run in this process)")
    .option("--url <url>", "against this provider instead; topics of their own names are created there and deleted afterwards")
    .option(...ADAPTER_OPTION)
    .option("--json", "one JSON line per provider")
    .addHelpText("after", EXAMPLES)
    .action(async (argument: string | undefined, { only, json, adapter, ...options }: Options) => {
      if (argument !== undefined && options.url !== undefined) throw new UsageError("the URL is given twice: as the argument and as --url");
      const url = argument ?? options.url;
      if (url !== undefined && only !== undefined) throw new UsageError("--url and --only exclude each other");
      if (url === undefined && adapter !== undefined) throw new UsageError("--adapter needs the URL that its opener takes");
      const held = await demonstrate(url === undefined ? null : { url, adapter }, only?.split(","), json === true);
      if (!held) process.exitCode = 1;
    });
}

const HEADINGS = ["provider", "messages", "lost", "out of order", "twice", "dead letters", "replayed", "seconds"];

/** Below the table: what its columns are. */
const LEGEND = [
  ["lost, out of order", "against the file; the order is that of each airport"],
  ["twice", "handled again after a member left: none of what it stored"],
  ["dead letters", "the one flight whose handler always fails"],
  ["replayed", "February, found again by its time"],
];

function tableRow({ provider, ...row }: DemoRow): readonly string[] {
  const figures = [row.messages, row.lost, row.outOfOrder, row.duplicates, row.deadLetters].map(grouped);
  const replayed = row.replayed === row.replayExpected ? grouped(row.replayed) : `${row.replayed} of ${row.replayExpected}`;
  return [provider, ...figures, replayed, row.seconds.toFixed(1)];
}

/** Headings stand above their figures, on the right. */
function tableText(rows: readonly DemoRow[]): string {
  const cells = rows.map(tableRow);
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...cells.map((row) => row[column]!.length)));
  const { faint } = terminalStyle(process.stdout);
  const headings = HEADINGS.map((heading, column) => faint(column === 0 ? heading : heading.padStart(widths[column]!)));
  return table([headings, ...cells]);
}

function grouped(figure: number): string {
  return figure.toLocaleString("en");
}

/** The target of the demo, for people. */
function describeTarget(provider: string, isServer: boolean): string {
  if (provider === "memory") return "memory: in this process";
  if (isServer) return `${provider}: the server of the URL`;
  return `${provider}: emulated in this process (on a real one: streamport demo ${provider}://…)`;
}

/** The progress of the demo, on standard error, as all output that is not a result. */
class Display {
  readonly #title: string;
  readonly #style = terminalStyle(process.stderr);
  readonly #startedAt = performance.now();
  readonly #progress = new Progress(() => this.#line());
  #step: DemoStep | null = null;

  constructor(title: string) {
    this.#title = title;
  }

  begin(step: DemoStep): void {
    if (this.#step === null) this.#progress.print(this.#style.faint(this.#title));
    this.#step = step;
  }

  #line(): string {
    const seconds = this.#style.faint(`${((performance.now() - this.#startedAt) / 1_000).toFixed(1)} s`);
    if (this.#step === null) return `  ${seconds}  connecting`;
    const step = this.#step;
    return `  ${seconds}  ${grouped(step.done())} of ${grouped(step.total)} flights ${step.text}`;
  }

  end(): void {
    this.#progress.end();
  }

  /** Prints a tick for each promise that was kept. */
  show(checks: readonly Check[], { rates }: DemoRow): void {
    const { good, bad, faint } = this.#style;
    for (const { holds, promise, text } of checks) {
      console.error(`  ${holds ? good("✔") : bad("✘")} ${PROMISES[promise]}: ${holds ? text : bad(text)}`);
    }
    const [publish, handle, replay] = [rates.publish, rates.handle, rates.replay].map(grouped);
    console.error(faint(`  Flights a second: ${publish} published, ${handle} handled, ${replay} replayed\n`));
  }
}

/** @returns whether all checks held */
async function demonstrate(given: ConnectionTarget | null, only: readonly string[] | undefined, json: boolean): Promise<boolean> {
  const { DEMO_NEEDS, EMULATED_NEEDS, runFlightsDemo } = await import("../../localstack/demo/flights-demo.ts");
  const { inProcessProviders } = await import("../../localstack/in-process.ts");
  const known = Object.keys(inProcessProviders);
  const unknown = only?.find((provider) => !known.includes(provider));
  if (unknown !== undefined)
    throw new UsageError(`--only: ${JSON.stringify(unknown)} does not run in this process; ${known.join(", ")} can`);

  let named: string | null = null;
  if (given !== null) {
    const connection = await connectToTarget(given);
    named = connection.provider;
    await connection.close();
  }

  let allHeld = true;
  const rows: DemoRow[] = [];
  const demonstrateOn = async (target: ConnectionTarget, title: string, emulator: Emulator | null): Promise<void> => {
    const display = json ? null : new Display(title);
    const { row, checks } = await runFlightsDemo(
      async () => connectToTarget(target, emulator === null ? DEMO_NEEDS : EMULATED_NEEDS),
      (step) => display?.begin(step),
      emulator,
    ).finally(() => display?.end());
    rows.push(row);
    allHeld &&= checks.every(({ holds }) => holds);
    if (display !== null) display.show(checks, row);
    else {
      console.log(JSON.stringify(row));
      for (const { holds, text } of checks) if (!holds) console.error(`${row.provider}: ${text}`);
    }
  };
  // `memory:` without a name is a new broker for every connection, and the demo needs several connections to one broker.
  if (given !== null && named !== null && (given.url !== "memory:" || given.adapter !== undefined)) {
    await demonstrateOn(given, describeTarget(named, true), null);
  } else {
    for (const [provider, start] of Object.entries(inProcessProviders)) {
      if (only?.includes(provider) === false || (given !== null && provider !== "memory")) continue;
      const started = await start();
      try {
        await demonstrateOn({ url: started.url }, describeTarget(provider, false), started);
      } finally {
        await started.close();
      }
    }
  }
  if (!json) showResult(rows, allHeld);
  return allHeld;
}

function showResult(rows: readonly DemoRow[], allHeld: boolean): void {
  const { good, bad, faint } = terminalStyle(process.stdout);
  console.log(tableText(rows));
  process.stdout.write(faint(table(LEGEND)));
  console.log(
    allHeld
      ? good("\nAll checks held: no flight lost, each airport in order, February exactly again.")
      : bad("\nNot all checks held: the lines with ✘ say which."),
  );
}
