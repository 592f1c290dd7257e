import { StreamError } from "../errors.ts";
import { type OptionRule, describeValue, showName } from "../option-rules.ts";

/** Checks the options of an adapter's factory. Every refusal is `configuration`, and names what was received and what is allowed. */
export class OptionCheck {
  readonly #provider: string;
  readonly #show: (value: unknown) => string;

  /** @param show how messages name a received value. By default a text is counted and not shown, because an option may be a credential */
  constructor(provider: string, show: (value: unknown) => string = describeValue) {
    this.#provider = provider;
    this.#show = show;
  }

  /** @throws `configuration` with this text */
  refuse(text: string): never {
    throw new StreamError("configuration", `${this.#provider} options: ${text}`, { provider: this.#provider });
  }

  /** A received value, as messages name it. */
  show(value: unknown): string {
    return this.#show(value);
  }

  /**
   * An object that has known names only, each with a value that its rule accepts; `undefined` counts as absent.
   * @param part the name of options within options: `tls`, for messages about `tls.ca`
   * @param needed the names that must be given
   * @throws `configuration`
   */
  check(options: unknown, rules: Readonly<Record<string, OptionRule>>, part?: string, needed: readonly string[] = []): void {
    const known = this.requireKnown(options, Object.keys(rules), part);
    for (const [name, { accepts, allowed }] of Object.entries(rules)) {
      const value = known[name];
      if (value === undefined ? !needed.includes(name) : accepts(value)) continue;
      this.refuse(`${part === undefined ? "" : `${part}.`}${name} must be ${allowed}; received ${this.show(value)}`);
    }
  }

  /** @returns the value, which is an object with known names only. @throws `configuration` */
  requireKnown(value: unknown, allowed: readonly string[], part?: string): Readonly<Record<string, unknown>> {
    const within = part === undefined ? "" : `${part}: `;
    if (!isObject(value)) this.refuse(`${within}an object is needed; received ${this.show(value)}`);
    const unknown = Object.keys(value).find((name) => !allowed.includes(name));
    if (unknown === undefined) return value;
    const noun = part === undefined ? "" : "setting ";
    this.refuse(`${within}there is no ${noun}${showName(unknown)}; allowed are ${allowed.join(", ")}`);
  }
}

/** One of these texts. */
export function oneOf(values: readonly string[]): OptionRule {
  return { allowed: `one of ${values.join(", ")}`, accepts: (value) => values.includes(value as string) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
