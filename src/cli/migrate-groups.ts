import type { Command } from "commander";
import {
  type TranslateGroupsResult,
  type TranslatedGroup,
  checkpointFiles,
  translateGroups,
  translationFiles,
} from "../migration/index.ts";
import { type ExecutionOptions, isExecuted, withExecution } from "./options/execution.ts";
import { parseDuration } from "./options/parse-values.ts";
import { type StateOptions, stateDirectory, withState } from "./options/migration-state.ts";
import { type TwoSidesOptions, withTwoConnections, withTwoSides } from "./options/two-sides.ts";
import { counted } from "./output/duration-text.ts";
import { placesOf } from "./output/group-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { table } from "./output/table.ts";
import { interruptible } from "./process/interruption.ts";

const DETAILS = `
Puts groups of the target where those of the source stand: never behind a
message that is not handled. All members of a group have to be stopped. A group
that cannot be translated is refused by itself, with the reason. Nothing is
changed without --execute.

Examples:
  streamport migrate translate-groups --from-topic a --to-topic b
  streamport migrate translate-groups --from-topic a --to-topic b --execute`;

/** Of the option that two commands have. */
export const TIME_MARGIN = "how much earlier groups are placed where only a time can be given, as on Pub/Sub (default: 10s)";

interface TranslateCommandOptions extends TwoSidesOptions, StateOptions, ExecutionOptions {
  readonly group?: readonly string[];
  readonly copyGroup?: string;
  readonly confirmInactive?: boolean;
  readonly timeMargin?: number;
  readonly json?: boolean;
}

export function addTranslateGroups(migrate: Command): void {
  withExecution(withState(withTwoSides(migrate.command("translate-groups"))))
    .description("Puts groups of the target where those of the source stand.")
    .option("-g, --group <groups...>", "only these (default: all of the source, where it lists them)")
    .option("--copy-group <group>", "the group of the copy (default: made from both topics)")
    .option("--confirm-inactive", "what the provider does not show: no group has members or unhandled messages")
    .option("--time-margin <duration>", TIME_MARGIN, parseDuration)
    .option("--json", "the result as JSON")
    .addHelpText("after", DETAILS)
    .action(translate);
}

async function translate(options: TranslateCommandOptions): Promise<void> {
  const { group, copyGroup, confirmInactive, timeMargin, json = false } = options;
  const directory = stateDirectory(options);
  const executed = isExecuted(options);
  const result = await interruptible((signal) =>
    withTwoConnections(options, (source, target) =>
      translateGroups(source, target, {
        groups: group,
        copyGroup,
        checkpoints: checkpointFiles(directory),
        translations: translationFiles(directory),
        dryRun: !executed,
        confirmed: confirmInactive,
        timeMarginMs: timeMargin,
        signal,
      }),
    ),
  );
  await new StandardOutput().write(json ? `${JSON.stringify(result)}\n` : groupsText(result.groups));
  if (!(result satisfies TranslateGroupsResult).done) process.exitCode = 1;
}

/** A table of the places, and a line for each group. */
export function groupsText(groups: readonly TranslatedGroup[]): string {
  const rows = groups.flatMap(({ group, bookmark, timestampMs }) => {
    if (timestampMs !== null) return [[group, "all", `from ${new Date(timestampMs).toISOString()}`]];
    return bookmark === null ? [] : [...placesOf(bookmark)].map(([partition, place]) => [group, partition, place]);
  });
  const places = rows.length === 0 ? "" : table([["group", "partition", "goes on at"], ...rows], { numbersRight: false });
  return places + groups.map((group) => `${groupLine(group)}\n`).join("");
}

function groupLine({ group, timestampMs, repeats, skippable, refused }: TranslatedGroup): string {
  if (refused !== null) return `${group}: refused, ${refused.code}: ${refused.message}`;
  if (repeats === 0) return `${group}: goes on exactly where it stands`;
  const again = `${group}: ${counted(repeats!, "message")} will come again`;
  if (skippable) return again;
  const why =
    timestampMs === null
      ? "leaves none of them out: what is handled does not fit into what the target keeps for a group"
      : "is unsupported on the target, which keeps nothing for a group";
  return `${again}; skipMigrated ${why}`;
}
