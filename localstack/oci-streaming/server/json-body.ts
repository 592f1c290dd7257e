import { ServiceError, invalidParameter } from "./service-error.ts";

/** An integer of a body as it was written: offsets are larger than a number can hold. */
class ExactInteger {
  readonly value: bigint;

  constructor(text: string) {
    this.value = BigInt(text);
  }
}

/** The second parameter of a reviver has the text of a number. The library of the compiler does not know it yet. */
type ReviverWithSource = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

const keepIntegers: ReviverWithSource = (_, value, context) =>
  typeof value === "number" && context?.source !== undefined && /^-?\d+$/.test(context.source) ? new ExactInteger(context.source) : value;

/** The fields of a body that is a JSON object. A field that is `null` counts as absent. */
export class JsonBody {
  readonly #fields: Readonly<Record<string, unknown>>;

  private constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }

  /** @throws `ServiceError` 400 */
  static parse(body: Buffer): JsonBody {
    try {
      return JsonBody.of(JSON.parse(body.toString("utf8"), keepIntegers as Parameters<typeof JSON.parse>[1]));
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      throw unparsable();
    }
  }

  /** @throws `ServiceError` 400 */
  static of(value: unknown): JsonBody {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw unparsable();
    return new JsonBody(value as Readonly<Record<string, unknown>>);
  }

  text(name: string): string | null {
    const value = this.#fields[name] ?? null;
    if (value === null || typeof value === "string") return value;
    throw invalidParameter(`${name} must be a string`);
  }

  integer(name: string): bigint | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    if (value instanceof ExactInteger) return value.value;
    throw invalidParameter(`${name} must be an integer`);
  }

  flag(name: string): boolean | null {
    const value = this.#fields[name] ?? null;
    if (value === null || typeof value === "boolean") return value;
    throw invalidParameter(`${name} must be true or false`);
  }

  list(name: string): readonly unknown[] | null {
    const value = this.#fields[name] ?? null;
    if (value === null || Array.isArray(value)) return value;
    throw invalidParameter(`${name} must be an array`);
  }

  /** Of tags: texts by name. */
  texts(name: string): Readonly<Record<string, string>> | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    if (typeof value === "object" && Object.values(value).every((text) => typeof text === "string")) return value as Record<string, string>;
    throw invalidParameter(`${name} must be an object of strings`);
  }
}

function unparsable(): ServiceError {
  return new ServiceError(400, "CannotParseRequest", "Unable to parse JSON body");
}
