import { type Command, Option } from "commander";

export interface ExecutionOptions {
  readonly execute?: boolean;
  readonly yes?: boolean;
}

/** For a command that first shows what it would do, and does it only with `--execute`. */
export function withExecution(command: Command): Command {
  return command
    .option("--execute", "do it; without this option the change is only shown")
    .addOption(new Option("--yes", "as --execute").hideHelp());
}

/** Prints a hint if nothing is changed. @returns whether to execute the change */
export function isExecuted({ execute, yes }: ExecutionOptions): boolean {
  if (execute === true || yes === true) return true;
  console.error("Nothing was changed: --execute does it.");
  return false;
}
