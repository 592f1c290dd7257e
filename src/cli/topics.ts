import type { Command } from "commander";
import { StreamError, isStreamError } from "../errors.ts";
import type { TopicSettings } from "../topic-settings.ts";
import { type AdapterOptions, sharedTarget, withUrl } from "./options/connection-url.ts";
import { type ExecutionOptions, isExecuted, withExecution } from "./options/execution.ts";
import { DURATION_FORM, parseCount, parseDuration } from "./options/parse-values.ts";
import { requiredName } from "./options/require-names.ts";
import { counted, durationText } from "./output/duration-text.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { table } from "./output/table.ts";
import { UsageError } from "./process/exit-errors.ts";
import { withConnection } from "./process/with-connection.ts";

const EXAMPLES = `
Examples:
  streamport topics list kafka://localhost:9092
  streamport topics describe --topic flights
  streamport topics create --topic flights --partitions 8 --retention 7d
  streamport topics update --topic flights --partitions 16 --may-reorder
  streamport topics delete --topic flights --execute`;

interface TopicOptions extends AdapterOptions {
  readonly topic: string;
}

interface JsonOptions extends AdapterOptions {
  readonly json?: boolean;
}

interface SettingsOptions extends TopicOptions {
  readonly partitions?: number;
  readonly retention?: number;
}

export function addTopics(program: Command): void {
  const topics = program.command("topics").summary("list, describe, create, update, delete topics");
  topics.description("Topics: lists, describes, creates, changes and deletes them.").addHelpText("after", EXAMPLES);
  const command = (name: string, description: string): Command =>
    withUrl(topics.command(name)).description(description).addHelpText("after", EXAMPLES);

  command("list", "Prints the names of all topics, one on each line.").option("--json", "as JSON lines").action(listTopics);
  ofTopic(command("describe", "Shows partitions and settings.")).option("--json", "as one JSON object").action(describeTopic);
  withSettings(ofTopic(command("create", "Creates a topic; settings that are left out are the provider's defaults."))).action(createTopic);
  withSettings(ofTopic(command("update", "Changes the number of partitions or the retention.")))
    .option("--may-reorder", "allow that more partitions move keys: messages of a key may then be handled out of order")
    .action(updateTopic);
  withExecution(ofTopic(command("delete", "Deletes a topic and everything in it."))).action(deleteTopic);
}

function ofTopic(command: Command): Command {
  return command.addOption(requiredName("-t, --topic <topic>", "the topic"));
}

function withSettings(command: Command): Command {
  return command
    .option("--partitions <count>", "how many partitions", parseCount)
    .option("--retention <duration>", `how long messages are kept: ${DURATION_FORM}`, parseDuration);
}

async function listTopics(url: string | undefined, { json, ...given }: JsonOptions): Promise<void> {
  await withConnection(
    sharedTarget(url, given),
    async ({ admin }) => {
      const lines = (await admin.listTopics()).toSorted().map((topic) => `${json === true ? JSON.stringify({ topic }) : topic}\n`);
      await new StandardOutput().write(lines.join(""));
    },
    ["topicListing"],
  );
}

async function describeTopic(url: string | undefined, { topic, json, ...given }: TopicOptions & JsonOptions): Promise<void> {
  await withConnection(sharedTarget(url, given), async ({ admin }) => {
    const description = await admin.describeTopic(topic);
    const { name, nativeName, partitions, retentionMs, maxMessageBytes } = description;
    const rows = [
      ["topic", name],
      ["native name", nativeName],
      ["partitions", `${partitions.length}: ${partitions.join(", ")}`],
      ["retention", retentionMs === null ? "unlimited or unknown" : durationText(retentionMs)],
      ["largest message", `${maxMessageBytes.toLocaleString("en")} bytes`],
    ];
    await new StandardOutput().write(json === true ? `${JSON.stringify(description)}\n` : table(rows, { numbersRight: false }));
  });
}

async function createTopic(url: string | undefined, options: SettingsOptions): Promise<void> {
  const create = (topic: string, settings: TopicSettings): Promise<void> =>
    withConnection(sharedTarget(url, options), ({ admin }) => admin.createTopic(topic, settings), ["topicAdmin"]);
  await create(options.topic, settingsOf(options));
  console.error("Created.");
}

async function updateTopic(url: string | undefined, options: SettingsOptions & { readonly mayReorder?: boolean }): Promise<void> {
  if (options.partitions === undefined && options.retention === undefined) throw new UsageError("--partitions or --retention is needed");
  const settings = { ...settingsOf(options), mayReorder: options.mayReorder === true };
  await withConnection(sharedTarget(url, options), ({ admin }) => admin.updateTopic(options.topic, settings), ["topicAdmin"]).catch(
    (error: unknown) => {
      if (!isStreamError(error, "unsupported") || error.capability !== "growthKeepsKeyOrder") throw error;
      throw new StreamError(error.code, `${error.message} (here: --may-reorder)`, { cause: error });
    },
  );
  console.error("Changed.");
}

async function deleteTopic(url: string | undefined, options: TopicOptions & ExecutionOptions): Promise<void> {
  await withConnection(
    sharedTarget(url, options),
    async ({ admin }) => {
      const { nativeName, partitions } = await admin.describeTopic(options.topic);
      await new StandardOutput().write(`delete ${nativeName}: ${counted(partitions.length, "partition")} and all that is stored in them\n`);
      if (!isExecuted(options)) return;
      await admin.deleteTopic(options.topic);
      console.error("Deleted.");
    },
    ["topicAdmin"],
  );
}

function settingsOf({ partitions, retention }: SettingsOptions): TopicSettings {
  return { partitions, retentionMs: retention };
}
