import { type Command, Option } from "commander";
import type { GroupDescription } from "../admin/admin-types.ts";
import { OpenConnection } from "../connection.ts";
import type { Connection } from "../connection-types.ts";
import { type StreamError, isStreamError } from "../errors.ts";
import type { Lag } from "../lag.ts";
import type { PartitionPlace } from "../position/place.ts";
import { type AdapterOptions, sharedTarget, withUrl } from "./options/connection-url.ts";
import { type ExecutionOptions, isExecuted, withExecution } from "./options/execution.ts";
import { type GivenFrom, parseFrom } from "./options/parse-place.ts";
import { requiredName } from "./options/require-names.ts";
import { nativeGroupText, placeTexts, placesOf } from "./output/group-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { lagTable, table } from "./output/table.ts";
import { UsageError } from "./process/exit-errors.ts";
import { fromOf } from "./process/offset-place.ts";
import { withConnection } from "./process/with-connection.ts";

const EXAMPLES = `
A reset and a deletion show what would change, and change nothing without
--execute. Places are those of read --from; a position or an offset moves its
own partition only.

Examples:
  streamport groups list kafka://localhost:9092 --topic flights
  streamport groups describe --topic flights --group delays
  streamport groups reset --topic flights --group delays --to 2026-11-21
  streamport groups reset --topic flights --group delays --to earliest --execute
  streamport groups reset -t flights -g delays --to offset:42 --partition 3
  streamport groups delete --topic flights --group delays --execute`;

interface TopicOptions extends AdapterOptions {
  readonly topic: string;
}

interface GroupOptions extends TopicOptions {
  readonly group: string;
}

interface ResetOptions {
  readonly to: GivenFrom;
  readonly partition?: string;
}

interface JsonOptions {
  readonly json?: boolean;
}

const UNKNOWN = "-";

export function addGroups(program: Command): void {
  const groups = program.command("groups").summary("list, describe, reset, delete groups");
  groups.description("Groups of consumers: lists, describes, moves and deletes them.").addHelpText("after", EXAMPLES);
  const command = (name: string, description: string): Command =>
    withUrl(groups.command(name))
      .description(description)
      .addOption(requiredName("-t, --topic <topic>", "the topic"))
      .addHelpText("after", EXAMPLES);
  const ofGroup = (name: string, description: string): Command =>
    command(name, description).addOption(requiredName("-g, --group <group>", "the group"));

  command("list", "Prints the names of the topic's groups, one on each line.").option("--json", "as JSON lines").action(listGroups);
  ofGroup("describe", "Shows members, places and lag of a group.").option("--json", "as one JSON object").action(describeGroup);
  withExecution(
    ofGroup("reset", "Moves a group that has no members; creates it if need be.")
      .addOption(new Option("--to <place>", "where to").makeOptionMandatory().argParser(parseFrom))
      .option("--partition <name>", "that --to offset:NUMBER is of"),
  ).action(resetGroup);
  withExecution(ofGroup("delete", "Deletes the progress of a group that has no members.")).action(deleteGroup);
}

async function listGroups(url: string | undefined, { topic, json, ...given }: TopicOptions & JsonOptions): Promise<void> {
  await withConnection(
    sharedTarget(url, given),
    async (connection) => {
      const { names, natives } = await OpenConnection.inspectionOf(connection).listedGroups(topic);
      const lines = names.toSorted().map((group) => `${json === true ? JSON.stringify({ topic, group }) : group}\n`);
      await new StandardOutput().write(lines.join(""));
      // They are not among the names, because no other command accepts them.
      for (const native of natives.toSorted()) console.error(nativeGroupText(native, names.includes(native)));
    },
    ["groupAdmin"],
  );
}

async function describeGroup(url: string | undefined, { topic, group, json, ...given }: GroupOptions & JsonOptions): Promise<void> {
  await withConnection(sharedTarget(url, given), async (connection) => {
    const description = await connection.admin.describeGroup(topic, group);
    const { lag, error } = await lagOf(connection, topic, group);
    const shown = json === true ? `${JSON.stringify({ topic, ...description, lag })}\n` : asText(topic, description, lag);
    await new StandardOutput().write(shown);
    if (error !== null) throw error;
  });
}

async function resetGroup(
  url: string | undefined,
  { topic, group, to: given, partition, ...execution }: GroupOptions & ExecutionOptions & ResetOptions,
): Promise<void> {
  const ofOffset = typeof given === "object" && "offset" in given;
  if (partition !== undefined && !ofOffset) throw new UsageError("--partition goes with --to offset:NUMBER, and with nothing else");
  await withConnection(
    sharedTarget(url, execution),
    async (connection) => {
      const to = await fromOf(connection, topic, given, partition === undefined ? undefined : [partition]);
      // Of a former topic of the name it has no places here: the reset is what it needs.
      const now = await orNull(connection.admin.describeGroup(topic, group), "not-found", "position-mismatch");
      // The plan comes from the code that moves the group, so the shown change is the real one.
      const planned = await OpenConnection.inspectionOf(connection).planReset(topic, group, to);
      await new StandardOutput().write(changes(now, planned));
      reportMembers(now);
      if (!isExecuted(execution)) return;
      await connection.admin.resetGroup(topic, group, to);
      console.error("Moved.");
    },
    ["groupReset"],
  );
}

async function deleteGroup(url: string | undefined, { topic, group, ...execution }: GroupOptions & ExecutionOptions): Promise<void> {
  await withConnection(
    sharedTarget(url, execution),
    async (connection) => {
      const description = await orNull(connection.admin.describeGroup(topic, group), "position-mismatch");
      const shown =
        description === null
          ? `${group}, whose places belong to a former topic of this name\n`
          : `${description.nativeName} and its places:\n${placesText(description)}`;
      await new StandardOutput().write(`delete ${shown}`);
      reportMembers(description);
      if (!isExecuted(execution)) return;
      await connection.admin.deleteGroup(topic, group);
      console.error("Deleted.");
    },
    ["groupAdmin"],
  );
}

/** `null` if the provider does not know the lag, or if the position of the group is out of range. Its places are shown all the same. */
async function lagOf(
  { admin, capabilities }: Connection,
  topic: string,
  group: string,
): Promise<{ readonly lag: Lag | null; readonly error: StreamError | null }> {
  if (!capabilities.lagInMessages && !capabilities.lagInTime) return { lag: null, error: null };
  try {
    return { lag: await (admin as Connection<"lagInMessages">["admin"]).lag(topic, group), error: null };
  } catch (error) {
    if (isStreamError(error, "position-out-of-range")) return { lag: null, error };
    throw error;
  }
}

function asText(topic: string, description: GroupDescription, lag: Lag | null): string {
  const { name, nativeName, members } = description;
  const rows = [
    ["topic", topic],
    ["group", name],
    ["native name", nativeName],
    ["members", members === null ? UNKNOWN : String(members)],
  ];
  const lags = lag === null ? "" : `\n${lagTable([{ group: name, lag }])}`;
  return `${table(rows, { numbersRight: false })}\n${placesText(description)}${lags}`;
}

function placesText({ bookmark }: GroupDescription): string {
  if (bookmark === null) return "no place yet, or the provider does not show it\n";
  return table([["partition", "place"], ...placesOf(bookmark)], { numbersRight: false });
}

/** A line for each partition, printed before the change, also without --execute. */
function changes(now: GroupDescription | null, planned: ReadonlyMap<string, PartitionPlace>): string {
  const before = now === null || now.bookmark === null ? new Map<string, string>() : placesOf(now.bookmark);
  const after = placeTexts(planned);
  const rows = [...after].map(([partition, place]) => [partition, before.get(partition) ?? UNKNOWN, place]);
  return table([["partition", "old place", "new place"], ...rows], { numbersRight: false });
}

function reportMembers(description: GroupDescription | null): void {
  if (description === null) return;
  const { members } = description;
  if (members === null) console.error("The provider does not know the members of a group: make sure that none is left.");
  else if (members > 0)
    console.error(`The group has ${members === 1 ? "a member, which has" : `${members} members, which have`} to stop first.`);
}

/** `null` where the group is refused with one of these codes. */
async function orNull<Result>(found: Promise<Result>, ...codes: readonly StreamError["code"][]): Promise<Result | null> {
  try {
    return await found;
  } catch (error) {
    if (isStreamError(error, ...codes)) return null;
    throw error;
  }
}
