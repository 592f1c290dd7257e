import { type Command, InvalidArgumentError, Option } from "commander";
import { StreamError, type StreamErrorCode } from "../errors.ts";
import { EXACT_HEADERS } from "../publish/exact-headers.ts";
import { textToBytes } from "../text-bytes.ts";
import { LineSender, type NumberedMessage } from "./input/line-sender.ts";
import { type NumberedLine, numberedLines } from "./input/numbered-lines.ts";
import { openInput, requireReadable } from "./input/open-input.ts";
import {
  KEPT_FIELDS,
  type KeptField,
  type LineReader,
  type OutgoingBytes,
  messageLines,
  plainLines,
  valuesWithKeyField,
} from "./input/outgoing-line.ts";
import { type AdapterOptions, sharedTarget, withUrl } from "./options/connection-url.ts";
import { addHeader } from "./options/parse-values.ts";
import { requiredName } from "./options/require-names.ts";
import { produceAccount } from "./output/produce-account.ts";
import { Progress } from "./output/progress.ts";
import { interruptible } from "./process/interruption.ts";
import { bytesTopic, withConnection } from "./process/with-connection.ts";

const DETAILS = `
A line is, unless said otherwise, a message as read and consume print it:
  {"key": "ATL", "value": "text", "headers": {"name": "text"}}
key null: no key. value null: a tombstone. valueBase64 instead of value: any
bytes. A value that is not a string is stored as JSON. rawHeaders, pairs of a
name and a value in base64 or null, stands in place of headers. Other fields are
ignored, but see --keep. Messages of one key are stored in the order of their
lines.

A single argument that is no URL is the file; - is standard input. A byte order
mark at its beginning is skipped. The first line that cannot be sent ends it,
and says how many are stored and which are not.

Examples:
  streamport produce --topic flights --key-field origin < flights.jsonl
  streamport produce kafka://localhost:9092 orders.jsonl --topic orders
  echo '{"key": "a", "value": {"n": 1}}' | streamport produce --topic orders
  tail -F access.log | streamport produce --topic log --lines --header host=web1
  streamport read kafka://one:9092 --topic orders |
    streamport produce kafka://two:9092 --topic orders --keep timestamp`;

interface Options extends AdapterOptions {
  readonly topic: string;
  readonly lines?: boolean;
  readonly key?: string;
  readonly keyField?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly keep?: readonly KeptField[];
}

/** These errors are about one line; all others are about the topic or the provider. */
const CONCERNS_A_LINE: ReadonlySet<StreamErrorCode> = new Set(["invalid-argument", "too-large", "unsupported"]);

/** Like every command that does not run for ever, it ends when the provider is unavailable for this time. */
const DELIVERY_TIMEOUT_MS = 30_000;

export function addProduce(program: Command): void {
  withUrl(program.command("produce"))
    .argument("[file]", "lines to send (default: standard input)")
    .summary("send the lines of a file or of standard input")
    .description("Sends every line as a message, as fast as the provider takes them, and says how many are stored.")
    .addOption(requiredName("-t, --topic <topic>", "where to"))
    .addOption(new Option("--lines", "a line is the text of a value").conflicts(["keyField", "keep"]))
    .addOption(new Option("--key-field <name>", "a line is a value in JSON; its key is this field of it").conflicts(["key", "keep"]))
    .option("--key <key>", "the key of lines that have none")
    .option("--header <name=value>", "a header of every message, also instead of one of its own; repeatable", addHeader)
    .option("--keep <fields>", `keep of each line: ${KEPT_FIELDS.join(", ")}, separated by commas`, parseKeep)
    .addHelpText("after", DETAILS)
    .action(produce);
}

async function produce(first: string | undefined, second: string | undefined, options: Options): Promise<void> {
  const { url, file } = urlAndFile(first, second);
  const target = sharedTarget(url, options);
  const readLine = lineReaderOf(options);
  await requireReadable(file);
  if (process.stdin.isTTY && (file === undefined || file === "-")) console.error("Reading lines from the terminal; Ctrl-D ends.");
  await interruptible((interrupted) =>
    withConnection(target, async (connection) => {
      const producer = bytesTopic(connection, options.topic).producer({ deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
      const sender = new LineSender(producer);
      const progress = new Progress(() => `${sender.storedCount.toLocaleString("en")} stored`);
      const startedAtMs = performance.now();
      const stop = AbortSignal.any([interrupted, sender.failure]);
      let throughLine = 0;
      let badInput: StreamError | null = null;
      try {
        for await (const lines of numberedLines(openInput(file, stop))) {
          const { messages, through, bad } = messagesOf(lines, readLine, options.header);
          throughLine = through;
          await sender.send(messages);
          badInput = bad;
          if (badInput !== null) break;
        }
      } catch (error) {
        if (!stop.aborted) badInput = error as StreamError;
      }
      await sender.settled();
      progress.end();
      const failure = sender.failed[0];
      const isWhole = badInput === null && failure === undefined && !interrupted.aborted;
      const seconds = (performance.now() - startedAtMs) / 1_000;
      console.error(produceAccount({ storedCount: sender.storedCount, failed: sender.failed, throughLine, isWhole, seconds }));
      if (failure !== undefined) throw CONCERNS_A_LINE.has(failure.error.code) ? atLine(failure.line, failure.error) : failure.error;
      if (badInput !== null) throw badInput;
      interrupted.throwIfAborted();
    }),
  );
}

/** With the URL in STREAM_URL, a single argument without a scheme is the file. */
function urlAndFile(first: string | undefined, second: string | undefined): { url: string | undefined; file: string | undefined } {
  const isUrl = first === undefined || second !== undefined || /^[a-z][a-z0-9+.-]+:/i.test(first);
  return isUrl ? { url: first, file: second } : { url: undefined, file: first };
}

function lineReaderOf({ lines, key, keyField, keep }: Options): LineReader {
  if (keyField !== undefined) return valuesWithKeyField(keyField);
  return lines === true ? plainLines(key ?? null) : messageLines(key, keep ?? []);
}

/** The messages before the first bad line. Later lines are not sent. */
function messagesOf(
  lines: readonly NumberedLine[],
  readLine: LineReader,
  headers: Options["header"],
): { messages: readonly NumberedMessage[]; through: number; bad: StreamError | null } {
  const messages: NumberedMessage[] = [];
  let through = 0;
  for (const { number, bytes } of lines) {
    try {
      const message = readLine(bytes);
      if (message !== null) messages.push({ line: number, message: headers === undefined ? message : withHeaders(message, headers) });
    } catch (error) {
      return { messages, through: number - 1, bad: atLine(number, error as StreamError) };
    }
    through = number;
  }
  return { messages, through, bad: null };
}

/** Headers of `--header` replace headers of the line with the same name. */
function withHeaders(message: OutgoingBytes, given: Readonly<Record<string, string>>): OutgoingBytes {
  const exact = message[EXACT_HEADERS];
  if (exact === undefined) return { ...message, headers: { ...message.headers, ...given } };
  const own = exact.filter(([name]) => !Object.hasOwn(given, name));
  const added = Object.entries(given).map(([name, value]) => [name, textToBytes(value, "a header")] as const);
  return { ...message, [EXACT_HEADERS]: [...own, ...added] };
}

function atLine(line: number, cause: StreamError): StreamError {
  return new StreamError(cause.code, `line ${line}: ${cause.message}`, { cause });
}

function parseKeep(text: string): readonly KeptField[] {
  return text.split(",").map((field) => {
    const known = KEPT_FIELDS.find((name) => name === field);
    if (known === undefined) throw new InvalidArgumentError(`Allowed are ${KEPT_FIELDS.join(", ")}, separated by commas.`);
    return known;
  });
}
