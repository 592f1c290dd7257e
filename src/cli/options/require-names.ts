import { existsSync } from "node:fs";
import { type Command, Option } from "commander";

/** An option that names what a command works on. `requireNames` suggests it for a word without an option. */
export class NameOption extends Option {
  readonly isRequired: boolean;

  constructor(flags: string, description: string, { isRequired = false }: { readonly isRequired?: boolean } = {}) {
    super(flags, description);
    this.isRequired = isRequired;
  }
}

/** `kafka://host`, `memory:`, and also `localhost:9092`, which is meant as a URL: `connect` refuses it with a better message. */
const LIKE_URL = /^[a-z][a-z0-9+.-]*:|:\d+\b/i;
const PLAIN_WORD = /^[\w.@%+=:,/-]+$/;

/**
 * Refuses a command without a required name, or with words that belong to no argument. For `topics create orders` the message
 * suggests `topics create --topic orders`.
 * @throws `CommanderError`
 */
export function requireNames(command: Command): void {
  const names = command.options.filter((option) => option instanceof NameOption);
  const open = names.filter((option) => command.getOptionValue(option.attributeName()) === undefined);
  const words = strayWords(command);
  const takesAny = command.registeredArguments.at(-1)?.variadic === true;
  const excess = takesAny ? 0 : command.args.length - command.registeredArguments.length;
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

/** Arguments that are neither a URL nor, where the command takes one, a file. */
function strayWords({ args, registeredArguments }: Command): readonly string[] {
  const takesFile = registeredArguments.some((argument) => argument.name() === "file");
  return args.filter((word) => !LIKE_URL.test(word) && !(takesFile && (word === "-" || /[./\\]/.test(word) || existsSync(word))));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Quoted for a shell. */
function quoted(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A name that the command requires. */
export function requiredName(flags: string, description: string): NameOption {
  return new NameOption(flags, description, { isRequired: true });
}
