import type { CallOptions } from "../call-options.ts";
import type { Capability } from "../capabilities.ts";
import type { ConnectionServices } from "../connection-services.ts";
import type { StreamError, StreamErrorCode } from "../errors.ts";
import { checkOptions, rules } from "../option-rules.ts";
import { retriedCall } from "../retried-call.ts";
import type { Admin } from "./admin-types.ts";

/** One call of the administration. */
export interface AdminCall {
  readonly operation: `admin.${string}`;
  /** Aborts with the caller's signal, or when the time for the call is over. */
  readonly signal: AbortSignal;
  /** Whether an earlier attempt may have been carried out: its answer was lost. */
  readonly mayBeDone: boolean;
  requireCapability(capability: Capability): void;
}

/** Long enough for the session of a dead member: only when it is over it is certain that the member does not live. */
const SESSION_WAIT_MS = 90_000;
const ATTEMPT_MS: Partial<Record<keyof Admin, number>> = {
  describeGroup: SESSION_WAIT_MS,
  resetGroup: SESSION_WAIT_MS,
  deleteGroup: SESSION_WAIT_MS,
};

/**
 * Runs one call, and retries it while its error is retryable. When the signal aborts, rejects at once with its reason, also while the
 * driver hangs; when the connection closes, as `closed`. Every other rejection is a `StreamError` of this operation.
 */
export async function adminCall<Result>(
  services: ConnectionServices,
  name: Exclude<keyof Admin, "capabilities">,
  topic: unknown,
  options: CallOptions | undefined,
  work: (call: AdminCall) => Promise<Result>,
): Promise<Result> {
  const operation = `admin.${name}` as const;
  const named = typeof topic === "string" && topic !== "" ? topic : undefined;
  const toError = (error: unknown): StreamError => services.toError(error, { operation, topic: named });
  let given: AbortSignal | undefined;
  let mayBeDone = false;
  try {
    checkOptions("call options", options ?? {}, { signal: rules.abortSignal });
    given = options?.signal;
    given?.throwIfAborted();
    const call = {
      provider: services.provider,
      operation,
      topic: named,
      signal: given === undefined ? services.closing : AbortSignal.any([given, services.closing]),
      retryForMs: services.retryForMs(),
      attemptMs: ATTEMPT_MS[name],
      toError,
      failed: ({ code }: StreamError) => {
        mayBeDone ||= code === "outcome-unknown";
      },
    };
    return await retriedCall(call, (signal) => {
      services.requireOpen(operation);
      return work({ operation, signal, mayBeDone, requireCapability: (capability) => services.requireCapability(capability, operation) });
    });
  } catch (error) {
    given?.throwIfAborted();
    throw toError(error);
  }
}

/** Runs a change that may have been carried out by an earlier attempt, whose answer was lost. The error `code` then means success. */
export async function unlessDone(
  services: ConnectionServices,
  call: AdminCall,
  code: StreamErrorCode,
  change: () => Promise<void>,
): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!call.mayBeDone || services.toError(error, { operation: call.operation }).code !== code) throw error;
  }
}
