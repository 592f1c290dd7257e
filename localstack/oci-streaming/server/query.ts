import { invalidParameter } from "./service-error.ts";

/** The parameters of a query. A `+` is a plus sign: the SDK sends cursors as they are, without encoding them. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;

  /** @param text what follows the `?`. @throws `ServiceError` for a broken escape */
  constructor(text: string) {
    const pairs = text.split("&").filter((pair) => pair !== "");
    this.#values = new Map(
      pairs.map((pair) => {
        const [name] = pair.split("=", 1);
        return [unescaped(name!), unescaped(pair.slice(name!.length + 1))] as const;
      }),
    );
  }

  /** An empty value counts as none. */
  get(name: string): string | null {
    return this.#values.get(name) || null;
  }

  /** @throws `ServiceError` for anything but an integer from `least` to `most` */
  integer(name: string, least: number, most: number): number | null {
    const text = this.get(name);
    if (text === null) return null;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw invalidParameter(`${name} must be an integer from ${least} to ${most}`);
  }
}

/** @throws `ServiceError` for a broken escape */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidParameter("The request URI has an invalid escape");
  }
}
