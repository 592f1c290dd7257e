import { type Command, Option } from "commander";
import type { Consumer, ConsumerOptions } from "../consume/consumer-types.ts";
import { type AdapterOptions, sharedTarget, withUrl } from "./options/connection-url.ts";
import { parseInitialPosition } from "./options/parse-place.ts";
import { parseCount } from "./options/parse-values.ts";
import { requiredName } from "./options/require-names.ts";
import { messagePrinter, withMessageFormat } from "./output/message-printer.ts";
import { Progress } from "./output/progress.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { interruptible, whenAborted } from "./process/interruption.ts";
import { bytesTopic, withConnection } from "./process/with-connection.ts";

const DETAILS = `
A message counts as handled when standard output has taken its line. Each
partition is printed in its stored order. Ctrl-C finishes the lines that have
begun, stores the progress of the group, and leaves it. A second one ends at
once, and messages without stored progress are redelivered.

A new group begins at earliest, latest, bookmark:BOOKMARK or a time, as for read
--from; fail: it must not be new. Rows and lines are those of read.

Examples:
  streamport consume kafka://localhost:9092 --topic flights --group delays
  streamport consume --topic flights --group delays --max 1 | jq
  streamport consume --topic flights --group new --initial-position latest`;

/** How long the command waits for a slow reader of the output after Ctrl-C. Messages that it has not taken by then are redelivered. */
const DRAIN_MS = 30_000;

interface Options extends AdapterOptions {
  readonly topic: string;
  readonly group: string;
  readonly initialPosition: ConsumerOptions["initialPosition"];
  readonly concurrency: number;
  readonly max?: number;
  readonly json?: boolean;
}

export function addConsume(program: Command): void {
  withMessageFormat(withUrl(program.command("consume")))
    .summary("print messages as a member of a group")
    .description("Prints messages as one member of a group, until it is stopped: rows on a terminal, else JSON lines.")
    .addOption(requiredName("-t, --topic <topic>", "what to consume"))
    .addOption(requiredName("-g, --group <group>", "the group, whose progress is stored"))
    .addOption(
      new Option("--initial-position <place>", "where a group begins that is new").default("earliest").argParser(parseInitialPosition),
    )
    .addOption(new Option("--concurrency <count>", "partitions that are printed at once").default(1).argParser(parseCount))
    .option("--max <count>", "stop after so many messages", parseCount)
    .addHelpText("after", DETAILS)
    .action(consume);
}

async function consume(url: string | undefined, options: Options): Promise<void> {
  const { topic, group, initialPosition, concurrency, max, json } = options;
  const target = sharedTarget(url, options);
  const output = new StandardOutput();
  await interruptible((interrupted) =>
    withConnection(target, async (connection) => {
      // In partition order, printed messages are never behind a gap, so their progress is stored and none is redelivered.
      const consumer = bytesTopic(connection, topic).consumer({ group, initialPosition, concurrency, order: "partition" });
      whenAborted(interrupted, () => void consumer.close({ timeoutMs: DRAIN_MS }));
      const isEnough = await printAll(consumer, output, max ?? Infinity, json);
      if (!isEnough && max !== undefined) interrupted.throwIfAborted();
    }),
  );
}

/** Prints until the consumer is closed. @returns whether `max` messages were printed */
async function printAll(
  consumer: Consumer<Uint8Array | null>,
  output: StandardOutput,
  max: number,
  json: boolean | undefined,
): Promise<boolean> {
  const printer = messagePrinter(output, json);
  let printed = 0;
  let begun = 0;
  let failure: { readonly error: unknown } | null = null;
  const progress = new Progress(() => `${printed.toLocaleString("en")} handled`, { hidden: output.isTerminal });
  const close = (): void => void consumer.close({ timeoutMs: DRAIN_MS });
  try {
    await consumer.runBatches(async (messages, context) => {
      const wanted = messages.slice(0, max - begun);
      begun += wanted.length;
      if (begun === max) close();
      const unwanted = messages[wanted.length];
      // The consumer is closing, so this message and those behind it stay for the next run.
      if (unwanted !== undefined) context.fail(unwanted, new Error("more than --max"));
      try {
        await output.write(printer.of(wanted));
        printed += wanted.length;
      } catch (error) {
        failure ??= { error };
        close();
        throw error;
      }
    });
  } finally {
    progress.end();
  }
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return printed === max;
}
