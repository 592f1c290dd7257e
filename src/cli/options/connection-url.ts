import type { Command } from "commander";
import { UsageError } from "../process/exit-errors.ts";

/** Adds the argument that every command with a connection begins with. */
export function withUrl(command: Command): Command {
  return command.argument("[url]", "where the streams are, such as kafka://host:9092 (default: STREAM_URL)").allowExcessArguments(); // `requireNames` refuses excess arguments with better advice.
}

/** The URL from the argument, else from the environment. @throws `UsageError` */
export function connectionUrl(argument: string | undefined): string {
  const url = argument ?? process.env["STREAM_URL"];
  if (url !== undefined && url !== "") return url;
  throw new UsageError("a URL is needed, such as kafka://host:9092: as the argument, or in the environment variable STREAM_URL");
}

/**
 * As `connectionUrl`, for commands on streams that other processes write or read.
 * @throws `UsageError`, also for `memory:`, which no other process can reach
 */
export function sharedConnectionUrl(argument: string | undefined): string {
  const url = connectionUrl(argument);
  const memory = /^memory:([^?]*)/i.exec(url);
  if (memory === null) return url;
  throw new UsageError(
    `memory:${memory[1]} is in the process that connects to it: here it would be empty, and gone when this command ends; ` +
      "use the URL of a server, such as kafka://localhost:9092, or of what `streamport emulators` starts " +
      "(memory: is for capabilities, conformance, doctor and demo)",
  );
}
