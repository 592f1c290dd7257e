import type { Command } from "commander";
import { StreamError } from "../../errors.ts";
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

/**
 * As `connectionUrl`, for commands that work on what other processes have stored or will read.
 * @throws `UsageError` · `invalid-argument` for `memory:`; one with a name is shared within this process, which is said
 */
export function sharedConnectionUrl(argument: string | undefined): string {
  const url = connectionUrl(argument);
  const memory = /^memory:([^?]*)/i.exec(url);
  if (memory === null) return url;
  if (memory[1] !== "") {
    console.error("memory: ends with this process, and what is stored there with it.");
    return url;
  }
  throw new StreamError(
    "invalid-argument",
    "memory: lives and ends with the process that connects, so this command would be alone with nothing stored; " +
      "use the URL of a server, such as kafka://localhost:9092 (memory: is for demo, conformance and capabilities)",
    { provider: "memory" },
  );
}
