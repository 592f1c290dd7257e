import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { Report } from "../../../src/driver/index.ts";
import { isNamed } from "../errors.ts";
import type { RequestEnd } from "./request-signal.ts";

/** The part of an SDK client that is used here. */
interface SdkClient {
  readonly config: {
    readonly credentials?: (options?: {
      readonly forceRefresh: boolean;
    }) => Promise<{ readonly accessKeyId: string; readonly sessionToken?: string | undefined }>;
    /** How far the service's clock is ahead, in milliseconds. The SDK learns it from each answer. */
    readonly systemClockOffset?: number | undefined;
  };
  send(command: never, options: { readonly abortSignal: object }): Promise<unknown>;
}

/** What is known of a request besides its content. */
export interface CallFacts {
  /** In the service's own words. */
  readonly operation: string;
  readonly topic?: string | undefined;
  readonly bytes?: number | undefined;
  readonly messages?: number | undefined;
}

/** A signature older than this was made before the process was stopped. The service accepts five minutes. */
const STALE_SIGNATURE_MS = 240_000;

/**
 * Sends requests by one client of the SDK: each ends within its time, also where the body of an answer stalls, which the SDK does not bound. A
 * request is sent twice only where the service has refused the first for its signature: by a clock that the SDK has corrected since, or with
 * credentials that have expired and were fetched anew.
 */
export class AwsCalls {
  readonly #client: SdkClient;
  readonly #report: Report;
  readonly #timeLimitMs: number;
  readonly #newEnd: () => RequestEnd;
  #refreshing: Promise<boolean> | null = null;
  /** Counts the refreshes: a request that was signed before the last one is only sent again. */
  #refreshes = 0;

  /** @param newEnd of a request: of a kind that the transport of the client takes */
  constructor(client: object, report: Report, timeLimitMs: number, newEnd: () => RequestEnd) {
    this.#client = client as SdkClient;
    this.#report = report;
    this.#timeLimitMs = timeLimitMs;
    this.#newEnd = newEnd;
  }

  /** The service's clock, as far as answers have shown it: to the second. A smaller difference than two of them counts as none. */
  get serviceNowMs(): number {
    const { systemClockOffset = 0 } = this.#client.config;
    return Math.abs(systemClockOffset) < 2_000 ? Date.now() : Date.now() + systemClockOffset;
  }

  /** @throws the SDK's error · a `TimeoutError` · the signal's reason */
  async send<Output>(command: object, facts: CallFacts, signal: AbortSignal): Promise<Output> {
    const refreshes = this.#refreshes;
    const sentAtMs = Date.now();
    try {
      return await this.#sendOnce<Output>(command, facts, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(await this.#isWorthAnother(error, sentAtMs, refreshes))) throw error;
      return await this.#sendOnce<Output>(command, facts, signal);
    }
  }

  async #isWorthAnother(error: unknown, sentAtMs: number, refreshes: number): Promise<boolean> {
    const { $metadata } = error as { readonly $metadata?: { readonly clockSkewCorrected?: boolean } };
    if ($metadata?.clockSkewCorrected === true) return true;
    if (isNamed(error, "InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch"))
      return Date.now() - sentAtMs >= STALE_SIGNATURE_MS;
    if (!isNamed(error, "ExpiredTokenException", "ExpiredToken")) return false;
    if (refreshes !== this.#refreshes) return true;
    this.#refreshing ??= this.#refresh();
    return this.#refreshing;
  }

  /** @returns whether there are other credentials now */
  async #refresh(): Promise<boolean> {
    try {
      const { credentials } = this.#client.config;
      if (credentials === undefined) return false;
      const before = await credentials();
      const now = await credentials({ forceRefresh: true });
      const isNew = now.accessKeyId !== before.accessKeyId || now.sessionToken !== before.sessionToken;
      if (isNew) this.#refreshes += 1;
      return isNew;
    } finally {
      this.#refreshing = null;
    }
  }

  #sendOnce<Output>(command: object, facts: CallFacts, signal: AbortSignal): Promise<Output> {
    signal.throwIfAborted();
    const startedMs = performance.now();
    const end = this.#newEnd();
    return new Promise<Output>((resolve, reject) => {
      const stop = (reason: unknown): void => {
        reject(reason);
        end.abort(reason);
      };
      const abort = (): void => stop(signal.reason);
      const timer = setTimeout(() => stop(lateAnswer(facts.operation, this.#timeLimitMs)), this.#timeLimitMs);
      signal.addEventListener("abort", abort, { once: true });
      const answered = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#reportCall(facts, performance.now() - startedMs);
      };
      this.#client
        .send(command as never, { abortSignal: end.signal })
        .then((output) => resolve(output as Output), reject)
        .finally(answered);
    });
  }

  #reportCall({ operation, topic, bytes = 0, messages }: CallFacts, durationMs: number): void {
    if (this.#report.wants("call")) this.#report({ kind: "call", operation, topic, bytes, messages, durationMs });
  }
}

function lateAnswer(operation: string, timeLimitMs: number): Error {
  return Object.assign(new Error(`${operation} was not answered within ${timeLimitMs} ms`), { name: "TimeoutError" });
}
