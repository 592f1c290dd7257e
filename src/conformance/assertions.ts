import type { Capability } from "../capabilities.ts";
import { type StreamError, type StreamErrorCode, isStreamError } from "../errors.ts";
import { EnvironmentMissing, PromiseViolation } from "./case-outcome.ts";
import { errorOrigin } from "./error-causes.ts";

/** @throws PromiseViolation saying `promise` */
export function expectTrue(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new PromiseViolation(promise);
}

export function expectEqual<T>(actual: T, expected: T, promise: string): void {
  if (!Object.is(actual, expected)) throw new PromiseViolation(`${promise}: expected ${show(expected)}, got ${show(actual)}`);
}

export function expectBytes(actual: Uint8Array | null, expected: Uint8Array | null, promise: string): void {
  const equal = actual === null || expected === null ? actual === expected : Buffer.compare(actual, expected) === 0;
  if (!equal) throw new PromiseViolation(`${promise}: expected ${showBytes(expected)}, got ${showBytes(actual)}`);
}

/** Element by element, in order. */
export function expectSequence<T>(actual: readonly T[], expected: readonly T[], promise: string): void {
  const length = Math.max(actual.length, expected.length);
  for (let index = 0; index < length; index += 1) {
    if (!Object.is(actual[index], expected[index])) {
      throw new PromiseViolation(
        `${promise}: element ${index} of ${expected.length} should be ${show(expected[index])}, is ${show(actual[index])}`,
      );
    }
  }
}

/** The call must reject with one of these codes. @returns the error, for further checks */
export async function expectRejection(
  call: () => Promise<unknown>,
  codes: StreamErrorCode | readonly StreamErrorCode[],
  promise: string,
): Promise<StreamError> {
  const allowed = typeof codes === "string" ? [codes] : codes;
  let error: unknown;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
    if (isStreamError(error, ...allowed)) return error;
    if (error instanceof PromiseViolation || error instanceof EnvironmentMissing) throw error;
    throw new PromiseViolation(`${promise}: must be refused as ${allowed.join(" or ")}, but was refused as ${showError(error)}`, {
      cause: error,
    });
  }
  throw new PromiseViolation(`${promise}: must be refused as ${allowed.join(" or ")}, but was not refused`);
}

/** A call that needs a missing capability must be refused, and the error must name the capability. It must never do a part of its work. */
export async function expectUnsupported(call: () => Promise<unknown>, capability: Capability): Promise<void> {
  const promise = `without the capability ${capability}`;
  const error = await expectRejection(call, "unsupported", promise);
  expectEqual(error.capability, capability, `${promise} the error names it`);
  expectTrue(error.provider !== undefined, `${promise} the error names the provider`);
}

/** Code and message; for an error that the adapter could not classify, also its origin. */
export function showError(error: unknown): string {
  if (isStreamError(error)) {
    const origin = error.code === "internal" ? errorOrigin(error) : null;
    return `${error.code} (${error.message}${origin === null ? "" : `; caused by ${origin}`})`;
  }
  return error instanceof Error ? `${error.name} (${error.message})` : `a thrown ${typeof error}`;
}

export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value);
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function showBytes(bytes: Uint8Array | null): string {
  if (bytes === null) return "none (null)";
  const hex = Buffer.from(bytes.subarray(0, 40)).toString("hex");
  return `${bytes.length} bytes ${hex}${bytes.length > 40 ? "…" : ""}`;
}
