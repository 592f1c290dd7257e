import { type Command, Option } from "commander";

export interface ExecutionOptions {
  readonly execute?: boolean;
  readonly yes?: boolean;
}

/** For a command that shows what it would do, and does it when it is told so. */
export function withExecution(command: Command): Command {
  return command
    .option("--execute", "do it; without, what would change is shown and nothing is changed")
    .addOption(new Option("--yes", "as --execute").hideHelp());
}

/** Tells what was not done. @returns whether it is to be done */
export function isExecuted({ execute, yes }: ExecutionOptions): boolean {
  if (execute === true || yes === true) return true;
  console.error("Nothing was changed: --execute does it.");
  return false;
}
