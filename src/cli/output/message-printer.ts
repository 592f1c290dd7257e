import type { Command } from "commander";
import type { Message } from "../../message.ts";
import { MessageLines } from "./message-lines.ts";
import { MessageRows } from "./message-rows.ts";
import type { StandardOutput } from "./standard-output.ts";

interface MessagePrinter {
  of(messages: readonly Message<Uint8Array | null>[]): string | Uint8Array;
}

/** Adds the option for the format of printed messages. */
export function withMessageFormat(command: Command): Command {
  return command.option("--json", "JSON lines on a terminal, too");
}

/** Rows for people on a terminal; JSON lines in a pipe or a file, or with `--json`. */
export function messagePrinter(output: StandardOutput, json = false): MessagePrinter {
  return output.isTerminal && !json ? new MessageRows() : new MessageLines();
}
