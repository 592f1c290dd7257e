import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Connection } from "../connection-types.ts";
import { type StreamError, isStreamError } from "../errors.ts";
import type { Lag } from "../lag.ts";
import { type AdapterOptions, sharedTarget, withUrl } from "./options/connection-url.ts";
import { DURATION_FORM, parseDuration } from "./options/parse-values.ts";
import { NameOption, requiredName } from "./options/require-names.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { lagTable } from "./output/table.ts";
import { UsageError } from "./process/exit-errors.ts";
import { interruptible } from "./process/interruption.ts";
import { withConnection } from "./process/with-connection.ts";

const DETAILS = `
--json prints a line for each group:
  { "topic", "group", "timestamp", "messages", "timeMs",
    "partitions": [{ "partition", "messages", "timeMs" }] }
timestamp: the time of the query, in milliseconds since the epoch; timeMs: the
age of the oldest message that is not handled; null: the provider does not know.

Examples:
  streamport lag kafka://localhost:9092 --topic flights
  streamport lag --topic flights --group delays --watch
  streamport lag --topic flights --group delays --json | jq .messages`;

interface Options extends AdapterOptions {
  readonly topic: string;
  readonly group?: string;
  readonly watch?: boolean;
  readonly interval?: number;
  readonly json?: boolean;
}

const INTERVAL_MS = 2_000;

/** A timer of Node takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The capabilities are not checked before: a missing one is refused at run time. */
type LagAdmin = Connection<"groupAdmin" | "lagInMessages">["admin"];

interface GroupLag {
  readonly group: string;
  readonly lag: Lag;
}

interface Failure {
  readonly group: string;
  readonly error: StreamError;
}

interface Lags {
  readonly lags: readonly GroupLag[];
  /** The errors of single groups. They do not hide the lag of the other groups. */
  readonly failures: readonly Failure[];
}

export function addLag(program: Command): void {
  withUrl(program.command("lag"))
    .summary("how far groups are behind")
    .description("Shows how many messages a group has not handled yet, and the age of the oldest, as far as the provider knows them.")
    .addOption(requiredName("-t, --topic <topic>", "the topic"))
    .addOption(new NameOption("-g, --group <group>", "the group (default: every group of the topic)"))
    .option("--watch", "repeat, until Ctrl-C")
    .option("--interval <duration>", `of --watch: ${DURATION_FORM} (default: 2s)`, parseDuration)
    .option("--json", "as JSON lines")
    .addHelpText("after", DETAILS)
    .action(showLag);
}

async function showLag(url: string | undefined, options: Options): Promise<void> {
  if (options.interval !== undefined && options.watch !== true) throw new UsageError("--interval is of --watch, which is not given");
  const target = sharedTarget(url, options);
  const output = new StandardOutput();
  await interruptible((interrupted) =>
    withConnection(target, async (connection) => {
      if (options.watch === true) await watch(connection, options, output, interrupted);
      else await show(connection, options, output, interrupted);
    }),
  );
}

async function show(connection: Connection, options: Options, output: StandardOutput, interrupted: AbortSignal): Promise<void> {
  const { lags, failures } = await lagsOf(connection, options, interrupted);
  await output.write(shown(options, lags));
  reportFailures(failures);
  if (failures.length > 0) process.exitCode = 1;
}

/** Repeats until it is interrupted. */
async function watch(connection: Connection, options: Options, output: StandardOutput, interrupted: AbortSignal): Promise<void> {
  const head = output.isTerminal && options.json !== true ? "\u001B[2J\u001B[H" : "";
  while (!interrupted.aborted) {
    try {
      const { lags, failures } = await lagsOf(connection, options, interrupted);
      const lag = shown(options, lags);
      await output.write(options.json === true ? lag : `${head}${new Date().toISOString()}\n${lag}`);
      reportFailures(failures);
    } catch (error) {
      if (interrupted.aborted) return;
      // A watch continues while the provider is unavailable.
      if (!isStreamError(error) || !error.retryable) throw error;
      console.error(`${error.code}: ${error.message}`);
    }
    await sleep(Math.min(options.interval ?? INTERVAL_MS, LONGEST_TIMER_MS), undefined, { signal: interrupted }).catch(() => undefined);
  }
}

async function lagsOf(connection: Connection, { topic, group }: Options, signal: AbortSignal): Promise<Lags> {
  const admin = connection.admin as LagAdmin;
  if (group !== undefined) return { lags: [{ group, lag: await admin.lag(topic, group, { signal }) }], failures: [] };
  const groups = (await admin.listGroups(topic, { signal })).toSorted();
  const results = await Promise.all(groups.map(async (name) => lagOfListed(admin, topic, name, signal)));
  return {
    lags: results.filter((result) => result !== null && "lag" in result),
    failures: results.filter((result) => result !== null && "error" in result),
  };
}

/** `null`: the group has gone since it was listed. */
async function lagOfListed(admin: LagAdmin, topic: string, group: string, signal: AbortSignal): Promise<GroupLag | Failure | null> {
  try {
    return { group, lag: await admin.lag(topic, group, { signal }) };
  } catch (error) {
    if (isStreamError(error, "not-found")) return null;
    if (isStreamError(error, "position-out-of-range", "position-mismatch")) return { group, error };
    throw error;
  }
}

function reportFailures(failures: readonly Failure[]): void {
  for (const { group, error } of failures) console.error(`${error.code}: group ${JSON.stringify(group)}: ${error.message}`);
}

function shown({ topic, json }: Options, groups: readonly GroupLag[]): string {
  if (json !== true) return lagTable(groups);
  const timestamp = Date.now();
  return groups.map(({ group, lag }) => `${JSON.stringify({ topic, group, timestamp, ...lag })}\n`).join("");
}
