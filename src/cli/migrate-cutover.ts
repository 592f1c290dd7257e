import { join } from "node:path";
import { Argument, type Command } from "commander";
import { CUTOVER_STEPS, type CutoverReport, type CutoverStep, checkpointFiles, cutover } from "../migration/index.ts";
import { TIME_MARGIN, groupsText } from "./migrate-groups.ts";
import { type StateOptions, stateDirectory, withState } from "./options/migration-state.ts";
import { parseDuration } from "./options/parse-values.ts";
import { type TwoSidesOptions, withTwoConnections, withTwoSides } from "./options/two-sides.ts";
import { counted } from "./output/duration-text.ts";
import { removedText } from "./output/removed-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { interruptible } from "./process/interruption.ts";

const DETAILS = `
The steps, in this order. Each can be repeated, and goes on where it was
interrupted; what is done is kept in --state.
  check      could the groups be translated? Changes nothing
  freeze     the source is quiet from here on: stop all producers first (--yes)
  drain      copies what is left
  mark       notes the end of the target: everything behind it is new
  translate  puts the groups where they stand: stop all consumers first
  go         producers and consumers may start on the target (--yes)
  finish     looks for late records a last time; where retention has passed the
             switch, only with --accept-removed
  rollback   before go: takes everything back. After it: brings producers and
             groups back to the source, over a copy the other way (--yes)

A record that a producer stores in the source after freeze is late. It is named,
and stops the cutover before go; after it, finish copies it.

Exit codes: 0 the step is done, 1 it is not (refused groups, late records, an
error whose code comes first), 2 wrong usage, 130 interrupted before its end.

Examples:
  streamport migrate cutover check --from-topic flights --to-topic flights
  streamport migrate cutover freeze --from-topic a --to-topic b --yes
  streamport migrate cutover translate --from-topic a --to-topic b --json`;

interface CutoverCommandOptions extends TwoSidesOptions, StateOptions {
  readonly returnState: string;
  readonly group?: readonly string[];
  readonly copyGroup?: string;
  readonly returnGroup?: string;
  readonly quiet?: number;
  readonly timeMargin?: number;
  readonly yes?: boolean;
  readonly acceptRemoved?: boolean;
  readonly json?: boolean;
}

export function addCutover(migrate: Command): void {
  withState(withTwoSides(migrate.command("cutover")))
    .description("Switches from the source to the target, step by step.")
    .addArgument(new Argument("<step>", "what to do").choices(CUTOVER_STEPS))
    .option("--return-state <directory>", "--state of the copy on the way back", ".streamport-migration-back")
    .option("-g, --group <groups...>", "the groups that move (default: all of the source, where it lists them)")
    .option("--copy-group <group>", "the group of the copy (default: made from both topics)")
    .option("--return-group <group>", "the group of the copy on the way back (default: made from both topics)")
    .option("--quiet <duration>", "how long the source has to be quiet to be frozen (default: 5s)", parseDuration)
    .option("--time-margin <duration>", TIME_MARGIN, parseDuration)
    .option("--yes", "confirms what the step needs and the tool cannot see")
    .option("--accept-removed", "with finish: give up late records that retention may have removed")
    .option("--json", "the result as JSON")
    .addHelpText("after", DETAILS)
    .action(takeStep);
}

async function takeStep(step: CutoverStep, options: CutoverCommandOptions): Promise<void> {
  const { fromTopic, toTopic, returnState, group, copyGroup, returnGroup, quiet, timeMargin, yes, acceptRemoved, json = false } = options;
  const directory = stateDirectory(options);
  const report = await interruptible((signal) =>
    withTwoConnections(options, (source, target) =>
      cutover(source, target, {
        step,
        stateFile: join(directory, "cutover.json"),
        groups: group,
        copyGroup,
        returnGroup,
        checkpoints: checkpointFiles(directory),
        returnCheckpoints: checkpointFiles(stateDirectory({ fromTopic: toTopic, toTopic: fromTopic, state: returnState })),
        confirmed: yes,
        acceptRemoved,
        quietMs: quiet,
        timeMarginMs: timeMargin,
        signal,
      }),
    ),
  );
  await new StandardOutput().write(json ? `${JSON.stringify(report)}\n` : reportText(report));
  if (!report.done) process.exitCode = 1;
}

function reportText({ step, done, late, removed, byQuiet, copied, groups, next }: CutoverReport): string {
  const lines = [`${step}: ${done ? "done" : "not done"}${copied === null ? "" : `, ${counted(copied, "message")} copied`}`];
  if (byQuiet) lines.push("The provider does not tell where the topic ends: silence counts as the end.");
  for (const gap of removed) lines.push(`${removedText(gap, "behind the freeze")}: late records may have been among them.`);
  if (late.count > 0) {
    lines.push(`${counted(late.count, "late record")}:`);
    for (const { partition, position, timestampMs } of late.first)
      lines.push(`  partition ${partition}, ${new Date(timestampMs).toISOString()}, ${position}`);
    if (late.count > late.first.length) lines.push(`  and ${(late.count - late.first.length).toLocaleString("en")} more`);
  }
  return `${lines.join("\n")}\n${groupsText(groups)}Next: ${next}.\n`;
}
