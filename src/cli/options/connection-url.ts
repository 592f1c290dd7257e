import type { Command } from "commander";
import { UsageError } from "../process/usage-error.ts";

/** Gives a command the argument that all commands on a connection begin with. */
export function withUrl(command: Command): Command {
  return command.argument("[url]", "where the streams are, such as kafka://host:9092 (default: STREAM_URL)");
}

/** The URL from the argument, else from the environment. @throws `UsageError` */
export function connectionUrl(argument: string | undefined): string {
  const url = argument ?? process.env["STREAM_URL"];
  if (url !== undefined && url !== "") return url;
  throw new UsageError("a URL is needed, such as kafka://host:9092: as the argument, or in the environment variable STREAM_URL");
}
