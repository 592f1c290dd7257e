/** What an error of an SDK says about its kind. Never its text: that may hold what was sent. */
export interface SdkErrorParts {
  readonly error: unknown;
  /** Of the class, as the SDK names it. */
  readonly name: string;
  /** The code of the service, of gRPC or of the operating system, as text; `""`: none. */
  readonly code: string;
  /** Of HTTP; `null`: none. */
  readonly status: number | null;
}

const MAX_DEPTH = 8;

/**
 * The kind of an error and of the errors inside it (`cause`, `errors`), the outermost first. SDKs keep the code in different places: `code`
 * (Node, Azure, gRPC), `$metadata.httpStatusCode` (AWS), `statusCode` and `serviceCode` (OCI), `status`.
 */
export function sdkErrorParts(error: unknown): readonly SdkErrorParts[] {
  const found: SdkErrorParts[] = [];
  let level: readonly unknown[] = [error];
  const seen = new Set<unknown>();
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth += 1) {
    const fresh = level.filter((one) => !seen.has(one));
    for (const one of fresh) {
      seen.add(one);
      found.push(partsOf(one));
    }
    level = fresh.flatMap(innerErrors);
  }
  return found;
}

function innerErrors(error: unknown): readonly unknown[] {
  const { cause, errors } = fieldsOf(error);
  const inner = Array.isArray(errors) ? errors : [];
  return [cause, ...inner].filter((one) => typeof one === "object" && one !== null);
}

function partsOf(error: unknown): SdkErrorParts {
  const { name, code, serviceCode, status, statusCode, $metadata } = fieldsOf(error);
  const { httpStatusCode } = fieldsOf($metadata);
  return {
    error,
    name: typeof name === "string" ? name : typeof error,
    code: textOf(code) ?? textOf(serviceCode) ?? "",
    status: [httpStatusCode, statusCode, status].find((one) => typeof one === "number") ?? null,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(code: unknown): string | null {
  return typeof code === "string" || typeof code === "number" ? String(code) : null;
}
