import { showName } from "../option-rules.ts";
import type { OptionCheck } from "./option-check.ts";

/**
 * The settings in the query of a connection URL: known names only, each given once. No message shows a value, because it may be a
 * credential.
 */
export class UrlSettings {
  readonly #settings: URLSearchParams;
  readonly #check: OptionCheck;

  /**
   * @param query what follows the `?`
   * @param repeatable names that may be given several times
   * @throws `configuration`
   */
  constructor(query: string, check: OptionCheck, known: readonly string[], repeatable: readonly string[] = []) {
    this.#settings = new URLSearchParams(query);
    this.#check = check;
    for (const name of this.#settings.keys()) {
      if (!known.includes(name)) check.refuse(`there is no setting ${showName(name)}; allowed are ${known.join(", ")}`);
      if (repeatable.includes(name) || this.#settings.getAll(name).length === 1) continue;
      check.refuse(`the setting ${showName(name)} is given more than once; lists are separated by commas`);
    }
  }

  text(name: string): string | undefined {
    return this.#settings.get(name) ?? undefined;
  }

  /** @throws `configuration` */
  boolean(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (text !== "true" && text !== "false") this.#check.refuse(`${name} must be true or false; received ${this.#check.show(text)}`);
    return text === "true";
  }

  /** @param unit of the number, for the message: `milliseconds`. @throws `configuration` */
  number(name: string, unit: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
    this.#check.refuse(`${name} must be a number of ${unit}; received ${this.#check.show(text)}`);
  }

  /** Items separated by commas, of all times that the name is given. Empty items are left out. */
  list(name: string): readonly string[] | undefined {
    const given = this.#settings.getAll(name);
    return given.length === 0 ? undefined : given.flatMap((items) => items.split(",")).filter((item) => item !== "");
  }
}

/** Undoes the percent-encoding of a part of a URL. @param what for the message: `the name in memory:name`. @throws `configuration` */
export function decodeUrlPart(text: string, what: string, check: OptionCheck): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not as a cause: nothing of the URL may be shown.
    check.refuse(`${what} is not percent-encoded correctly`);
  }
}

/** What may be absent is absent instead of `undefined`. What is always given stays required. */
type Given<Options> = {
  [Name in keyof Options as undefined extends Options[Name] ? Name : never]?: Exclude<Options[Name], undefined>;
} & { [Name in keyof Options as undefined extends Options[Name] ? never : Name]: Options[Name] };

/** The given values only, so that an option that is absent in a URL is absent in the options. */
export function givenOnly<Options extends object>(options: Options): Given<Options> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
