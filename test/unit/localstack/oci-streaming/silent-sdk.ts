import { afterEach, beforeEach, vi } from "vitest";

/** The SDK prints every failure, and nothing switches that off. */
export function silenceTheSdk(): void {
  beforeEach(() => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
}

/** How the SDK sees the end of a call: its answer, the status and code of a refusal, or that the connection broke. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    const { statusCode, serviceCode } = error as { readonly statusCode?: number; readonly serviceCode?: string };
    return statusCode === undefined ? "broken" : `${statusCode} ${serviceCode}`;
  }
}
