import { type Command, Option } from "commander";
import { type PositionsResult, checkpointFiles, positions } from "../migration/index.ts";
import { type StateOptions, stateDirectory, withState } from "./options/migration-state.ts";
import { type TwoSidesOptions, withTwoConnections, withTwoSides } from "./options/two-sides.ts";
import { counted } from "./output/duration-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { interruptible } from "./process/interruption.ts";
import { UsageError } from "./process/exit-errors.ts";

const DETAILS = `
For places that are not kept in a group. A position names one message, and a
bookmark a place in every partition, as the other commands print them. Which of
the two sides it belongs to is seen from itself; the answer is of the other one.

Examples:
  streamport migrate positions --from-topic a --to-topic b --position p1.W...
  streamport migrate positions --from-topic a --to-topic b --bookmark b1.W...`;

interface PositionsCommandOptions extends TwoSidesOptions, StateOptions {
  readonly position?: string;
  readonly bookmark?: string;
  readonly copyGroup?: string;
  readonly json?: boolean;
}

export function addPositions(migrate: Command): void {
  withState(withTwoSides(migrate.command("positions")))
    .description("Finds the place on the other side for a position or a bookmark of one side.")
    .addOption(new Option("--position <position>", "of a message of one side").conflicts("bookmark"))
    .addOption(new Option("--bookmark <bookmark>", "of one side"))
    .option("--copy-group <group>", "the group of the copy (default: made from both topics)")
    .option("--json", "the result as JSON")
    .addHelpText("after", DETAILS)
    .action(showPositions);
}

async function showPositions(options: PositionsCommandOptions): Promise<void> {
  const { position, bookmark, copyGroup, json = false } = options;
  if (position === undefined && bookmark === undefined) throw new UsageError("either --position or --bookmark is needed");
  const result = await interruptible((signal) =>
    withTwoConnections(options, (source, target) =>
      positions(source, target, { position, bookmark, copyGroup, checkpoints: checkpointFiles(stateDirectory(options)), signal }),
    ),
  );
  await new StandardOutput().write(json ? `${JSON.stringify(result)}\n` : `${result.position ?? result.bookmark!}\n`);
  if (!json) reportRepeats(result);
}

function reportRepeats({ repeats }: PositionsResult): void {
  if (repeats !== null && repeats > 0) console.error(`${counted(repeats, "message")} behind it lie before the given place.`);
}
