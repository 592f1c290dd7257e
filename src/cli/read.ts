import { type Command, Option } from "commander";
import type { Connection } from "../connection-types.ts";
import type { Message } from "../message.ts";
import type { From, Until } from "../position/range-types.ts";
import type { Reader } from "../replay/reader-types.ts";
import type { Bookmark } from "../tokens.ts";
import { BookmarkFile } from "./input/bookmark-file.ts";
import { type AdapterOptions, sharedTarget, withUrl } from "./options/connection-url.ts";
import { type GivenFrom, type GivenUntil, parseFrom, parseUntil } from "./options/parse-place.ts";
import { collect, parseCount } from "./options/parse-values.ts";
import { requiredName } from "./options/require-names.ts";
import { messagePrinter, withMessageFormat } from "./output/message-printer.ts";
import { Progress } from "./output/progress.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { BookmarkKeeper } from "./process/bookmark-keeper.ts";
import { UsageError } from "./process/exit-errors.ts";
import { interruptible, whenAborted } from "./process/interruption.ts";
import { lastMessages } from "./process/last-messages.ts";
import { fromOf, untilOf } from "./process/offset-place.ts";
import type { RetryWatch } from "./process/retry-watch.ts";
import { bytesTopic, withConnection } from "./process/with-connection.ts";

const DETAILS = `
A range begins at earliest, latest, at:POSITION, after:POSITION,
bookmark:BOOKMARK, offset:NUMBER or a time, and ends at now, through:POSITION,
bookmark:BOOKMARK, offset:NUMBER or a time; the offset and the time are not
included. A time is a date (2026-11-21, UTC), a time with its zone
(2026-11-21T15:00:00+01:00), milliseconds since the epoch, or a duration: 15m is
fifteen minutes ago. A position means its own partition. An offset is what the
provider itself calls a place, as the terminal shows it; it needs --partition
where the topic has several.

With --bookmark-file the first run begins at --from, and each later one where
the one before stopped, for whatever reason. Interrupted with Ctrl-C and started
again, it prints every message exactly once; after a kill it may print again
what it printed last, for about a second, and misses none. Where the provider
itself makes bookmarks and bounds their number, it is minutes.

On a terminal a message is a row to read; long values are cut. In a pipe or a
file, and with --json, a line is {"topic", "partition", "position", "timestamp",
"key", "value" or "valueBase64", "headers"}; value is the stored text, null a
tombstone. Where headers cannot say it all (repeats, order, null), "rawHeaders"
has them too.

Examples:
  streamport read kafka://localhost:9092 --topic flights --max 3
  streamport read --topic flights | jq -r '.value | fromjson | .destination'
  streamport read --topic flights --from 2026-11-01 --until 2026-12-01
  streamport read --topic flights --from 15m --follow
  streamport read --topic flights --last 5
  streamport read --topic flights --partition 3 --from offset:42 --max 1
  streamport read --topic flights --bookmark-file flights.mark >> flights.jsonl`;

interface Options extends AdapterOptions {
  readonly topic: string;
  readonly from: GivenFrom;
  readonly until?: GivenUntil;
  readonly last?: number;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly partition?: readonly string[];
  readonly bookmarkFile?: string;
  readonly max?: number;
}

/** Printed by one write. */
const MESSAGES_AT_ONCE = 2_000;

type PlainMessage = Message<Uint8Array | null>;

export function addRead(program: Command): void {
  withMessageFormat(withUrl(program.command("read")))
    .summary("print what is stored, without a group")
    .description("Prints the messages of a range: rows on a terminal, else JSON lines. Moves no group.")
    .addOption(requiredName("-t, --topic <topic>", "what to read"))
    .addOption(new Option("--from <place>", "where to begin").default("earliest").argParser(parseFrom))
    .option("--until <place>", "where to end (default: now, what is stored when reading begins)", parseUntil)
    .addOption(new Option("--follow", "go on for ever").conflicts("until"))
    .addOption(
      new Option("--last <count>", "begin with the last so many messages of each partition")
        .conflicts(["from", "until", "bookmarkFile"])
        .argParser(parseCount),
    )
    .option("--partition <name>", "only this partition; repeatable", collect)
    .option("--bookmark-file <file>", "go on where the last run with this file stopped")
    .option("--max <count>", "stop after so many messages", parseCount)
    .addHelpText("after", DETAILS)
    .action(read);
}

async function read(url: string | undefined, options: Options): Promise<void> {
  refuseBackwards(options);
  const target = sharedTarget(url, options);
  const output = new StandardOutput();
  await interruptible((interrupted) =>
    withConnection(target, async (connection, retries) => {
      const file = options.bookmarkFile === undefined ? null : new BookmarkFile(options.bookmarkFile);
      const kept = (await file?.read()) ?? null;
      const { from, until } = await rangeOf(connection, options, kept);
      const reader = bytesTopic(connection, options.topic).reader({
        from,
        until,
        partitions: options.partition,
        batch: { maxMessages: MESSAGES_AT_ONCE },
      });
      // This ends the loop also while it waits. Messages that were handed out are still printed.
      whenAborted(interrupted, () => void reader.close());
      if (options.follow !== true) whenAborted(retries.lost, () => void reader.close());
      const keeper = file === null ? null : new BookmarkKeeper(file, reader, connection.capabilities.bookmarkLifetimeMs);
      const printed = await printAll(reader, output, options, keeper, retries);
      if (printed !== options.max && options.follow !== true) retries.lost.throwIfAborted();
      if (printed !== options.max && options.follow !== true) interrupted.throwIfAborted();
      if (printed === 0 && !interrupted.aborted && kept === null) console.error(`Nothing was read: ${whyNothing(options)}.`);
    }),
  );
}

interface Range {
  readonly from: From;
  /** `undefined`: for ever. */
  readonly until: Until | undefined;
}

/** @param kept the bookmark in the file */
async function rangeOf(connection: Connection, options: Options, kept: Bookmark | null): Promise<Range> {
  const { topic, last, partition, follow } = options;
  if (last !== undefined) {
    const { from, until } = await lastMessages(connection, topic, last, partition);
    return { from, until: follow === true ? undefined : until };
  }
  const from = kept === null ? await fromOf(connection, topic, options.from, partition) : { bookmark: kept };
  const until = follow === true ? undefined : await untilOf(connection, topic, options.until ?? "now", partition);
  return { from, until };
}

/** Such a range is always empty. Without an error it would look as if nothing was stored. */
function refuseBackwards({ from, until, bookmarkFile }: Options): void {
  if (bookmarkFile !== undefined || typeof from === "string" || !("timestamp" in from)) return;
  if (until === undefined || typeof until === "string" || !("timestamp" in until)) return;
  const [begin, end] = [new Date(from.timestamp), new Date(until.timestamp)];
  if (end < begin) throw new UsageError(`--until ${end.toISOString()} is before --from ${begin.toISOString()}`);
}

/** Empty output could be a failure or an empty topic, so the reason is printed. */
function whyNothing({ from, until, partition }: Options): string {
  if (from === "latest") return "--from latest begins behind all that is stored; --follow waits for what comes";
  if (typeof from === "object" && "timestamp" in from && Number(from.timestamp) > Date.now()) return "--from is in the future";
  return until === undefined && partition === undefined && from === "earliest"
    ? "the topic holds nothing"
    : "nothing is stored in this range";
}

/** Prints until the reader ends or is closed. @returns the number of printed messages */
async function printAll(
  reader: Reader<Uint8Array | null>,
  output: StandardOutput,
  { max, json }: Options,
  keeper: BookmarkKeeper | null,
  retries: RetryWatch,
): Promise<number> {
  const printer = messagePrinter(output, json);
  let printed = 0;
  let writing: Promise<void> = Promise.resolve();
  const progress = new Progress(() => `${printed.toLocaleString("en")} read`, { hidden: output.isTerminal });
  try {
    for await (const messages of max === undefined ? reader.batches() : oneByOne(reader)) {
      keeper?.handedOut();
      const lines = printer.of(messages);
      // One batch is formatted while the other is being written.
      await writing;
      writing = output.write(lines);
      // The error is thrown where the write is awaited.
      writing.catch(() => undefined);
      printed += messages.length;
      retries.progressed();
      if (keeper !== null) {
        await writing;
        // The bookmark is read before the next batch is requested, so it is behind exactly the printed messages.
        await keeper.printed();
      }
      if (printed === max) break;
    }
    await writing;
    await keeper?.finish();
  } finally {
    // Messages that were handed out are printed, also if reading failed after them.
    await writing.catch(() => undefined);
    keeper?.stop();
    progress.end();
  }
  return printed;
}

/** A bookmark is always behind a whole batch, so with `--max` each message is a batch of its own. */
async function* oneByOne(reader: Reader<Uint8Array | null>): AsyncGenerator<readonly PlainMessage[], void, void> {
  for await (const message of reader) yield [message];
}
