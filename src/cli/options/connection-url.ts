import type { Command } from "commander";
import { UsageError } from "../process/exit-errors.ts";

/** Of every command with a connection. */
export interface AdapterOptions {
  readonly adapter?: string;
}

/** Its option. */
export const ADAPTER_OPTION = ["--adapter <module>", "an adapter of your own: a file or a package"] as const;

/** What a command connects to. */
export interface ConnectionTarget {
  readonly url: string;
  /** The module of an adapter outside this package; absent: one of this package, by the scheme of the URL. */
  readonly adapter?: string | undefined;
}

/** Adds the argument and the option that every command with a connection begins with. */
export function withUrl(command: Command): Command {
  return command
    .argument("[url]", "where the streams are, such as kafka://host:9092 (default: STREAM_URL)")
    .option(...ADAPTER_OPTION)
    .allowExcessArguments(); // `requireNames` refuses excess arguments with better advice.
}

/** The URL from the argument, else from the environment. @throws `UsageError` */
export function connectionTarget(argument: string | undefined, { adapter }: AdapterOptions): ConnectionTarget {
  const url = argument ?? process.env["STREAM_URL"];
  if (url !== undefined && url !== "") return { url, adapter };
  throw new UsageError("a URL is needed, such as kafka://host:9092: as the argument, or in the environment variable STREAM_URL");
}

/**
 * As `connectionTarget`, for commands on streams that other processes write or read.
 * @throws `UsageError`, also for `memory:`, which no other process can reach
 */
export function sharedTarget(argument: string | undefined, options: AdapterOptions): ConnectionTarget {
  const target = connectionTarget(argument, options);
  refuseMemory(target);
  return target;
}

/** @throws `UsageError` for `memory:`, which no other process can reach */
export function refuseMemory({ url, adapter }: ConnectionTarget): void {
  const memory = adapter === undefined ? /^memory:([^?]*)/i.exec(url) : null;
  if (memory === null) return;
  throw new UsageError(
    `memory:${memory[1]} is in the process that connects to it: here it would be empty, and gone when this command ends; ` +
      "use the URL of a server, such as kafka://localhost:9092, or of what `streamport emulators` starts " +
      "(memory: is for capabilities, conformance, doctor and demo)",
  );
}
