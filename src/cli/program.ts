import { Command, Help, type Option } from "commander";
import { addCapabilities } from "./capabilities.ts";
import { addConformance } from "./conformance.ts";
import { addConsume } from "./consume.ts";
import { addDemo } from "./demo.ts";
import { addDoctor } from "./doctor.ts";
import { addEmulators } from "./emulators.ts";
import { addGroups } from "./groups.ts";
import { addLag } from "./lag.ts";
import { NameOption, requireNames } from "./options/require-names.ts";
import { OpenHandles } from "./process/open-handles.ts";
import { packageVersion } from "./process/package-version.ts";
import { redactUrls } from "../redact-urls.ts";
import { addMigrate } from "./migrate.ts";
import { addProduce } from "./produce.ts";
import { addRead } from "./read.ts";
import { addTopics } from "./topics.ts";

/** One function for each command, in the order of the help. It adds its command to the program. */
const COMMANDS: readonly ((program: Command, handles: OpenHandles) => unknown)[] = [
  addProduce,
  addConsume,
  addRead,
  addTopics,
  addGroups,
  addLag,
  addMigrate,
  addCapabilities,
  addConformance,
  addDoctor,
  addEmulators,
  addDemo,
];

/**
 * The whole command line. `parseAsync` rejects instead of ending the process: with a `CommanderError` for wrong usage (already
 * printed) and for requested help, else with the error of the command.
 * @param handles those of the process, which runs nothing else
 */
export function createProgram(handles = new OpenHandles()): Command {
  const program = new Command("streamport")
    .description("Event streams with order per key and replay, on any provider: the URL says which.")
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError("(--help shows what there is, with examples)")
    .configureHelp({ optionDescription })
    .configureOutput({ outputError: (text, write) => write(redactUrls(text)) })
    .addHelpText("after", EXIT_CODES)
    .hook("preAction", (_, command) => requireNames(command));
  for (const add of COMMANDS) add(program, handles);
  return program;
}

function optionDescription(this: Help, option: Option): string {
  const description = Help.prototype.optionDescription.call(this, option);
  const isRequired = option.mandatory || (option instanceof NameOption && option.isRequired);
  return isRequired ? `${description} (required)` : description;
}

const EXIT_CODES = `
The URL is an argument or in STREAM_URL; one with a password belongs into
STREAM_URL, since arguments show in the list of processes.

Exit codes: 0 done, 1 failed (the message begins with the error's code), 2 wrong
usage, a wrong URL too, and nothing was tried, 130 interrupted before the end,
141 the reader of the output has gone.
Ctrl-C finishes what is under way; a second one ends at once.`;
