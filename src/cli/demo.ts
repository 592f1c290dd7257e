import type { Command } from "commander";
import type { DemoRow } from "../../localstack/demo/demo-row.ts";
import { connectAsTold } from "./process/connect-as-told.ts";
import { UsageError } from "./process/usage-error.ts";

const EXAMPLES = `
Examples:
  streamport demo
  streamport demo --only memory --json
  streamport demo kafka://localhost:9092`;

interface Options {
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
    .option("--json", "one JSON line per provider")
    .addHelpText("after", EXAMPLES)
    .action(async (url: string | undefined, { only, json, ...options }: Options) => {
      if (url !== undefined && options.url !== undefined) throw new UsageError("the URL is given twice: as the argument and as --url");
      const target = url ?? options.url;
      if (target !== undefined && only !== undefined) throw new UsageError("--url and --only exclude each other");
      const held = await demonstrate(target, only?.split(","), json === true);
      if (!held) process.exitCode = 1;
    });
}

const HEADINGS = [
  "messages",
  "lost",
  "out of order",
  "duplicates",
  "dead letters",
  "replayed",
  "publish/s",
  "handle/s",
  "replay/s",
  "seconds",
];

function tableLine(provider: string, cells: readonly string[]): string {
  return [provider.padEnd(14), ...cells.map((cell, index) => cell.padStart(Math.max(HEADINGS[index]?.length ?? 0, 9)))].join("  ");
}

function rowAsText({ provider, rates, ...row }: DemoRow): string {
  const figures = [row.messages, row.lost, row.outOfOrder, row.duplicates, row.deadLetters].map(grouped);
  const replayed = row.replayed === row.replayExpected ? grouped(row.replayed) : `${row.replayed} of ${row.replayExpected}`;
  return tableLine(provider, [...figures, replayed, ...[rates.publish, rates.handle, rates.replay].map(grouped), row.seconds.toFixed(1)]);
}

function grouped(figure: number): string {
  return figure.toLocaleString("en");
}

/** @returns whether all checks held */
async function demonstrate(url: string | undefined, only: readonly string[] | undefined, json: boolean): Promise<boolean> {
  const { runFlightsDemo } = await import("../../localstack/demo/flights-demo.ts");
  const { inProcessProviders } = await import("../../localstack/in-process.ts");
  const known = Object.keys(inProcessProviders);
  const unknown = only?.find((provider) => !known.includes(provider));
  if (unknown !== undefined)
    throw new UsageError(`--only: ${JSON.stringify(unknown)} does not run in this process; ${known.join(", ")} can`);

  if (url !== undefined) await (await connectAsTold(url)).close();

  let allHeld = true;
  let rows = 0;
  const demonstrateOn = async (target: string): Promise<void> => {
    const { row, failures } = await runFlightsDemo(target);
    if (!json && rows === 0) console.log(tableLine("provider", HEADINGS));
    rows += 1;
    console.log(json ? JSON.stringify(row) : rowAsText(row));
    for (const failure of failures) console.error(`${row.provider}: ${failure}`);
    allHeld &&= failures.length === 0;
  };
  // A private one is another one for every connection: the demo needs several on the same.
  if (url !== undefined && url !== "memory:") await demonstrateOn(url);
  else {
    for (const [provider, start] of Object.entries(inProcessProviders)) {
      if (only?.includes(provider) === false || (url !== undefined && provider !== "memory")) continue;
      const started = await start();
      try {
        await demonstrateOn(started.url);
      } finally {
        await started.close();
      }
    }
  }
  if (!json && allHeld) console.log("\nAll checks held: every flight handled, each airport in order, and February replayed exactly.");
  return allHeld;
}
