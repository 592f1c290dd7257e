import { StreamError } from "../errors.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { StandardSchema } from "./codec.ts";
import { pathText } from "./path-text.ts";

/** Boxed, because an output may itself be anything. */
interface Checked<Output> {
  readonly output: Output;
}

type FailureCode = "invalid-argument" | "corrupt";

/** How many paths a message names: a wrong array could have thousands. */
const MOST_PATHS = 5;

/**
 * Runs a schema; synchronous where the schema is.
 * @throws the code given. The message names paths and the schema's vendor, never the schema's own words: they may quote the value.
 */
export function validate<Input, Output>(
  schema: StandardSchema<Input, Output>,
  value: unknown,
  code: FailureCode,
): Checked<Output> | Promise<Checked<Output>> {
  const { vendor } = schema["~standard"];
  let result: unknown;
  try {
    result = schema["~standard"].validate(value);
  } catch (cause) {
    throw schemaThrew(vendor, code, cause);
  }
  if (!isPromiseLike(result)) return outputOf(result, vendor, code);
  return Promise.resolve(result).then(
    (later) => outputOf(later, vendor, code),
    (cause: unknown) => {
      throw schemaThrew(vendor, code, cause);
    },
  );
}

function outputOf<Output>(result: unknown, vendor: string, code: FailureCode): Checked<Output> {
  const { issues, value } = (result ?? {}) as { issues?: readonly { path?: readonly unknown[] }[] | undefined; value?: Output };
  if (issues === undefined) return { output: value as Output };
  const paths = [...new Set(issues.map(({ path }) => pathText(keysOf(path ?? []))))];
  const shown = paths.slice(0, MOST_PATHS).join(", ") + (paths.length > MOST_PATHS ? ` and ${paths.length - MOST_PATHS} more` : "");
  const count = issues.length === 1 ? "1 issue" : `${issues.length} issues`;
  throw new StreamError(code, `the ${vendor} schema does not accept the value: ${count} at ${shown}`);
}

/** Segments are keys, or objects that hold one. */
function keysOf(path: readonly unknown[]): readonly unknown[] {
  return path.map((segment) => (typeof segment === "object" && segment !== null ? (segment as { key?: unknown }).key : segment));
}

function schemaThrew(vendor: string, code: FailureCode, cause: unknown): StreamError {
  return new StreamError(code, `the ${vendor} schema threw instead of answering`, { cause });
}
