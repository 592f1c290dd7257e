import { type Command, InvalidArgumentError } from "commander";
import { StreamError, isStreamError } from "../errors.ts";
import { type CopyProgress, type PlanResult, type VerifyResult, checkpointFiles, copy, plan, verify } from "../migration/index.ts";
import type { Gap } from "../position/range-types.ts";
import { addCutover } from "./migrate-cutover.ts";
import { addTranslateGroups } from "./migrate-groups.ts";
import { addPositions } from "./migrate-positions.ts";
import { type StateOptions, stateDirectory, withState } from "./options/migration-state.ts";
import { parseTime } from "./options/parse-place.ts";
import { parseCount } from "./options/parse-values.ts";
import { type TwoSidesOptions, withTwoConnections, withTwoSides } from "./options/two-sides.ts";
import { copyProgressText } from "./output/copy-progress-text.ts";
import { counted, durationText } from "./output/duration-text.ts";
import { Progress } from "./output/progress.ts";
import { removedText } from "./output/removed-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { table } from "./output/table.ts";
import { interruptible } from "./process/interruption.ts";

const DETAILS = `
The URLs are in STREAM_SOURCE_URL and STREAM_TARGET_URL.

plan changes nothing. It says what both sides are, what a copy would meet, and
what has to be done first.

A copy is a member of a group on the source. Further copiers of the same two
topics share its work, and take over from one that ends. Interrupted or killed
and started again, it goes on where it stopped: nothing is lost, and nothing
comes twice. For that it keeps files in --state; without them it reads the whole
target when it starts. On a terminal it shows a bar; where the output goes
elsewhere it prints JSON lines, the last of which is the result.

verify compares what the source holds now with what the target holds of it:
content, order and number; --since looks at a window only, and --sample at some
messages. While a copy runs, --group looks at that part only which this group of
the copy has stored as copied.

Exit codes: 0 done or equal, 1 something would be lost, a difference, or stopped
by an error (the message begins with its code), 2 wrong usage, 130 interrupted
before the end. A copy that is interrupted finishes what it has read: if nothing
is left then, it is done.

Examples:
  streamport migrate plan --from-topic flights --to-topic flights
  streamport migrate copy --from-topic flights --to-topic flights
  streamport migrate copy --from-topic a --to-topic b --continuous --rate 5000
  streamport migrate copy --from-topic a --to-topic b --json | tail -1
  streamport migrate verify --from-topic flights --to-topic flights`;

interface JsonOptions {
  readonly json?: boolean;
}

interface CopyCommandOptions extends TwoSidesOptions, StateOptions, JsonOptions {
  readonly group?: string;
  readonly continuous?: boolean;
  readonly rate?: number;
  readonly mayReorder?: boolean;
  readonly acceptRemoved?: boolean;
}

interface PlanCommandOptions extends TwoSidesOptions, JsonOptions {
  readonly group?: string;
  readonly sample?: number;
}

interface VerifyCommandOptions extends PlanCommandOptions {
  readonly since?: number;
}

export function addMigrate(program: Command): void {
  const migrate = program.command("migrate").summary("move a live stream to another topic or provider");
  migrate.description("Moves a live stream from one topic to another, of any two providers, step by step.").addHelpText("after", DETAILS);
  withTwoSides(migrate.command("plan"))
    .description("Says what a copy would meet, and what has to be done first. Changes nothing.")
    .option("-g, --group <group>", "the group of the copy on the source (default: made from both topics)")
    .option("--sample <messages>", "look at so many messages, from the oldest on (default: 10000)", parseCount)
    .option("--json", "the result as JSON")
    .addHelpText("after", DETAILS)
    .action(planMigration);
  withState(withTwoSides(migrate.command("copy")))
    .description("Copies messages with their keys, headers and times, in the order of each key.")
    .option("-g, --group <group>", "the group on the source (default: made from both topics)")
    .option("--continuous", "follow the source until interrupted (default: end at what is stored now)")
    .option("--rate <messages>", "messages a second, at most", parseRate)
    .option("--may-reorder", "go on where partitions were added that move keys (default: end there)")
    .option("--accept-removed", "go on behind what retention has removed from the source (default: end there)")
    .option("--json", "JSON lines, also on a terminal: the progress every second, and the result")
    .addHelpText("after", DETAILS)
    .action(copyMessages);
  withTwoSides(migrate.command("verify"))
    .description("Compares both topics: what is missing, extra, changed or out of order in the target.")
    .option("-g, --group <group>", "only what this group has stored as copied, while a copy runs")
    .option(
      "--since <time>",
      "only what the source has stored from then on: a date, a time, or a duration such as 2h, which is so long ago",
      parseTime,
    )
    .option("--sample <messages>", "only one of so many messages", parseCount)
    .option("--json", "the result as JSON")
    .addHelpText("after", DETAILS)
    .action(verifyMessages);
  addPositions(migrate);
  addTranslateGroups(migrate);
  addCutover(migrate);
}

async function planMigration(options: PlanCommandOptions): Promise<void> {
  const { group, sample, json = false } = options;
  const result = await interruptible((signal) =>
    withTwoConnections(options, (source, target) => plan(source, target, { group, sampleMessages: sample, signal })),
  );
  const output = new StandardOutput();
  await output.write(json ? `${JSON.stringify(result)}\n` : planText(result));
  if (!result.ready) process.exitCode = 1;
}

function planText({ ready, source, target, group, expected, findings, groups, targetGroups, notChecked }: PlanResult): string {
  const rows = [["", "provider", "topic", "partitions", "retention", "largest message", "lacking permissions"]];
  for (const [name, side] of [
    ["source", source],
    ["target", target],
  ] as const) {
    const { provider, topic, partitions, retentionMs, maxMessageBytes, lackingPermissions } = side;
    const lacking = lackingPermissions === null ? "not reported" : lackingPermissions.join(", ") || "none";
    rows.push([
      name,
      provider,
      topic,
      String(partitions),
      retentionMs === null ? "not bounded" : durationText(retentionMs),
      `${maxMessageBytes.toLocaleString("en")} B`,
      lacking,
    ]);
  }
  const figure = (count: number | null): string => count?.toLocaleString("en") ?? "unknown";
  const lines = [
    `The copy is a member of the group ${group}. Expected: ${figure(expected.messages)} messages, ${figure(expected.bytes)} bytes, at least ${expected.calls === null ? "an unknown number of calls" : counted(expected.calls, "call")}.`,
    ...(groups ?? []).map((one) => `group ${one.group} of the source: ${figure(one.lag)} messages behind`),
    ...(targetGroups ?? []).map((one) => `group ${one.group} of the target: ${figure(one.lag)} messages behind`),
    ...findings.map(({ weight, what, proposal }) => `${weight}: ${what}; ${proposal}`),
    ...notChecked.map((what) => `not checked: ${what}`),
    ready ? "Nothing would be lost, as far as is known." : "Something would be lost, or has to be done first.",
  ];
  return `${table(rows)}${lines.join("\n")}\n`;
}

async function verifyMessages(options: VerifyCommandOptions): Promise<void> {
  const { group, since, sample } = options;
  const result = await interruptible((signal) =>
    withTwoConnections(options, (source, target) => verify(source, target, { group, since, sample, signal })),
  );
  if (options.json === true) await new StandardOutput().write(`${JSON.stringify(result)}\n`);
  else for (const line of verdictLines(result)) console.error(line);
  if (!result.equal) process.exitCode = 1;
}

function verdictLines(result: VerifyResult): readonly string[] {
  const { equal, sourceMessages, targetMessages, duplicates, firstDifference } = result;
  const found = (["missing", "extra", "changed", "outOfOrder"] as const).filter((kind) => result[kind] > 0);
  const counts = found.map((kind) => `${result[kind].toLocaleString("en")} ${kind === "outOfOrder" ? "out of order" : kind}`);
  const lines = [
    `${counted(sourceMessages, "message")} in the source, ${targetMessages.toLocaleString("en")} of them in the target: ${equal ? "equal" : counts.join(", ")}.`,
  ];
  if (duplicates > 0) lines.push(`${counted(duplicates, "message")} in the target ${duplicates === 1 ? "is a repeat" : "are repeats"}.`);
  if (firstDifference !== null) {
    const { kind, partition, sourcePosition, targetPosition } = firstDifference;
    lines.push(
      `The first is ${kind === "outOfOrder" ? "out of order" : kind}: partition ${partition}, position ${sourcePosition} in the source, ${targetPosition ?? "none"} in the target.`,
    );
  }
  return lines;
}

async function copyMessages(options: CopyCommandOptions): Promise<void> {
  const { group, continuous, rate, mayReorder, acceptRemoved = false } = options;
  const output = new StandardOutput();
  const json = options.json ?? !output.isTerminal;
  const printed: Promise<void>[] = [];
  let last: CopyProgress = { copied: 0, duplicates: 0, returned: 0, lag: null, partitions: [] };
  const rates = new RateMeter();
  // The group and a checkpoint tell of the same gap.
  const removed = new Set<string>();
  const told = (gap: Gap): void => {
    const text = `${removedText(gap, "before they were copied")}.`;
    if (!removed.has(text)) progress.print(text);
    removed.add(text);
  };
  const progress = new Progress(() => copyProgressText(last, rates.perSecond), { hidden: json && output.isTerminal });
  try {
    await interruptible(async (interrupted) => {
      const result = await withTwoConnections(options, (source, target) =>
        copy(source, target, {
          group,
          continuous,
          ratePerSecond: rate,
          mayReorder,
          onGap: acceptRemoved ? told : undefined,
          checkpoints: checkpointFiles(stateDirectory(options)),
          signal: interrupted,
          onProgress: (now) => {
            rates.add(now.copied);
            last = now;
            if (json) printed.push(output.write(`${JSON.stringify({ progress: { ...now, perSecond: rates.perSecond } })}\n`));
          },
        }),
      );
      await Promise.all(printed);
      if (json) await output.write(`${JSON.stringify(result)}\n`);
      if (options.json !== true) {
        const behind = result.lag === null ? "" : `, ${counted(result.lag, "message")} behind`;
        progress.print(
          `Copied ${counted(result.copied, "message")}; ${result.duplicates.toLocaleString("en")} were there already${behind}.`,
        );
      }
      // Who goes on by the exit code must not take for done what has an end and may not have come to it.
      if (continuous !== true && result.lag !== 0) interrupted.throwIfAborted();
    });
  } catch (error) {
    if (!isStreamError(error, "position-out-of-range") || !error.message.includes("give onGap")) throw error;
    const { provider, topic, partition, position, operation } = error;
    const details = { provider, topic, partition, position, operation, cause: error };
    throw new StreamError(error.code, `${error.message} (here: --accept-removed)`, details);
  } finally {
    progress.end();
  }
}

/** How fast something grows. */
class RateMeter {
  #atMs = performance.now();
  #count = 0;
  #perSecond = 0;

  add(count: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#atMs < 1) return;
    this.#perSecond = Math.round(((count - this.#count) / (nowMs - this.#atMs)) * 1_000);
    this.#atMs = nowMs;
    this.#count = count;
  }

  get perSecond(): number {
    return this.#perSecond;
  }
}

/** @throws `InvalidArgumentError` */
function parseRate(text: string): number {
  const rate = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && rate > 0 && Number.isFinite(rate)) return rate;
  throw new InvalidArgumentError("A number of messages a second is needed, more than 0.");
}
