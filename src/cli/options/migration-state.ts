import { join } from "node:path";
import type { Command } from "commander";
import type { TwoSidesOptions } from "./two-sides.ts";

export interface StateOptions {
  readonly state: string;
}

/** Adds the directory in which the steps of a migration keep what they have to know of each other. */
export function withState(command: Command): Command {
  return command.option("--state <directory>", "where checkpoints and the state of the steps are kept", ".streamport-migration");
}

/** Of one copy. */
export function stateDirectory({ fromTopic, toTopic, state }: TwoSidesOptions & StateOptions): string {
  return join(state, `${encodeURIComponent(fromTopic)}-to-${encodeURIComponent(toTopic)}`);
}
