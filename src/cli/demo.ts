import { parseArgs } from "node:util";
import { isStreamError } from "../errors.ts";
import type { DemoRow } from "../../localstack/demo/demo-row.ts";

const HELP = `npm run demo -- [--only memory,…] [--url URL] [--json]

20,000 real flights, published with their airport as key, handled by two members of a group, and February replayed.
Everything is compared with the file; the exit code is 1 when a check fails, 2 when the arguments are wrong.

  --only   these providers, separated by commas (default: all that run in this process)
  --url    against this provider instead; topics of their own names are created there and deleted afterwards
  --json   one JSON line per provider
`;

class UsageError extends Error {}

interface Arguments {
  readonly help: boolean;
  readonly url: string | undefined;
  readonly only: readonly string[] | undefined;
  readonly json: boolean;
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: { url: { type: "string" }, only: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    if (values.url !== undefined && values.only !== undefined) throw new UsageError("--url and --only exclude each other");
    return { help: values.help === true, url: values.url, only: values.only?.split(","), json: values.json === true };
  } catch (error) {
    throw error instanceof Error ? new UsageError(error.message, { cause: error }) : error;
  }
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
async function run({ url, only, json }: Arguments): Promise<boolean> {
  const { runFlightsDemo } = await import("../../localstack/demo/flights-demo.ts");
  const { inProcessProviders } = await import("../../localstack/in-process.ts");
  const known = Object.keys(inProcessProviders);
  const unknown = only?.find((provider) => !known.includes(provider));
  if (unknown !== undefined)
    throw new UsageError(`--only: ${JSON.stringify(unknown)} does not run in this process; ${known.join(", ")} can`);

  let allHeld = true;
  const demonstrate = async (target: string): Promise<void> => {
    const { row, failures } = await runFlightsDemo(target);
    console.log(json ? JSON.stringify(row) : rowAsText(row));
    for (const failure of failures) console.error(`${row.provider}: ${failure}`);
    allHeld &&= failures.length === 0;
  };
  if (!json) console.log(tableLine("provider", HEADINGS));
  if (url !== undefined) await demonstrate(url);
  else {
    for (const [provider, start] of Object.entries(inProcessProviders)) {
      if (only?.includes(provider) === false) continue;
      const started = await start();
      try {
        await demonstrate(started.url);
      } finally {
        await started.close();
      }
    }
  }
  if (!json && allHeld) console.log("\nAll checks held: every flight handled, each airport in order, and February replayed exactly.");
  return allHeld;
}

try {
  const chosen = readArguments();
  if (chosen.help) console.log(HELP);
  else process.exitCode = (await run(chosen)) ? 0 : 1;
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    process.exitCode = 2;
  } else if (isStreamError(error)) {
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  } else throw error;
}
