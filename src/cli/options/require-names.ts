import { existsSync } from "node:fs";
import { type Command, Option } from "commander";

/** An option that names what a command works on: `requireNames` takes a word without an option as meant for it. */
export class NameOption extends Option {
  readonly isRequired: boolean;

  constructor(flags: string, description: string, { isRequired = false }: { readonly isRequired?: boolean } = {}) {
    super(flags, description);
    this.isRequired = isRequired;
  }
}

/** `kafka://host`, `memory:`, and what is meant as a URL: `localhost:9092`, which `connect` refuses with better words. */
const LIKE_URL = /^[a-z][a-z0-9+.-]*:|:\d+\b/i;
const PLAIN_WORD = /^[\w.@%+=:,/-]+$/;

/**
 * Refuses a command that lacks a name it needs, or was given words that belong to no argument: whoever writes `topics create orders`
 * reads that it is `topics create --topic orders`.
 * @throws `CommanderError`
 */
export function requireNames(command: Command): void {
  const names = command.options.filter((option) => option instanceof NameOption);
  const open = names.filter((option) => command.getOptionValue(option.attributeName()) === undefined);
  const words = strayWords(command);
  const excess = command.args.length - command.registeredArguments.length;
  const missing = open.filter(({ isRequired }) => isRequired);
  if (missing.length === 0 && excess <= 0 && (words.length === 0 || open.length === 0)) return;
  const what =
    missing.length > 0
      ? missing.map(({ flags }) => `required option '${flags}' not specified`).join(", ")
      : words.length > 0
        ? `${quoted(words[0]!)} is no URL, such as kafka://host:9092`
        : `too many arguments: ${command.args.length} instead of ${command.registeredArguments.length}`;
  const meant = open.slice(0, words.length).map(({ long }, index) => `${long} ${quoted(words[index]!)}`);
  const unnamed = missing.filter((option) => open.indexOf(option) >= words.length).map(({ long }) => `${long} NAME`);
  const advice = meant.length === 0 ? "" : `; did you mean ${pathOf(command)} ${[...meant, ...unnamed].join(" ")}?`;
  command.error(`error: ${what}${advice}`);
}

/** Arguments that are no URL, and no file where the command takes one. */
function strayWords({ args, registeredArguments }: Command): readonly string[] {
  const takesFile = registeredArguments.some((argument) => argument.name() === "file");
  return args.filter((word) => !LIKE_URL.test(word) && !(takesFile && (word === "-" || /[./\\]/.test(word) || existsSync(word))));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** As a shell takes it. */
function quoted(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** One that the command cannot do without. */
export function requiredName(flags: string, description: string): NameOption {
  return new NameOption(flags, description, { isRequired: true });
}
