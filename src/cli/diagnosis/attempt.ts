import { StreamError, isStreamError } from "../../errors.ts";
import { durationText } from "../output/duration-text.ts";
import { type Finding, failed, ok } from "./finding.ts";

/** How long each check may take. */
export const CHECK_MS = 20_000;

/** @param work tells in words what it has found, or makes the finding itself */
export async function attempt(check: string, work: (signal: AbortSignal) => Promise<Finding | string>): Promise<Finding> {
  const [finding] = await attemptAll(check, async (signal) => {
    const found = await work(signal);
    return [typeof found === "string" ? ok(check, found) : found];
  });
  return finding!;
}

/** As `attempt`, where one question answers several checks; where it fails there is one finding. */
export async function attemptAll(check: string, work: (signal: AbortSignal) => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(CHECK_MS);
  try {
    return await work(signal);
  } catch (error) {
    if (signal.aborted) return [failed(check, noAnswer())];
    if (isStreamError(error)) return [failed(check, error)];
    throw error;
  }
}

export function noAnswer(): StreamError {
  return new StreamError("timeout", `no answer within ${durationText(CHECK_MS)}`);
}
