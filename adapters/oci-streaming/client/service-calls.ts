import { performance } from "node:perf_hooks";
import { type Report, type StreamError, isStreamError } from "../../../src/driver/index.ts";
import { ociError } from "../errors.ts";
import type { Authentication } from "./authentication.ts";
import { CredentialGrace } from "./credential-grace.ts";
import { type HttpAnswer, type HttpRequest, HttpTransport } from "./http-transport.ts";
import { RequestHeaders } from "./request-headers.ts";
import { ServiceAnswerError } from "./service-answer-error.ts";

export interface ServiceCall {
  /** In the service's own words: `PutMessages`. */
  readonly operation: string;
  readonly method: HttpRequest["method"];
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** As bytes only of an upload. */
  readonly body?: string | Buffer | undefined;
  /** The service accepts it without a signature of its body: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm */
  readonly isUpload?: boolean | undefined;
  readonly topic?: string | undefined;
  readonly bytes?: number | undefined;
  readonly messages?: number | undefined;
}

interface SignedRequest {
  readonly headers: RequestHeaders;
  readonly content: Buffer | null;
  readonly keyId: string;
  readonly signedMs: number;
}

/** A request that takes longer has failed: the service answers within a second or so. */
const TIME_LIMIT_MS = 10_000;
/** The service accepts signatures that are up to five minutes old: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm */
const CLOCK_SKEW_MS = 300_000;
/** A signature older than this was made before the process was stopped. */
const STALE_SIGNATURE_MS = 240_000;
const NO_LONGER_ACCEPTED = "the service no longer accepts these credentials, and there are no newer ones";
/** The clock of answers is exact to the second. */
const LEAST_OFFSET_MS = 2_000;

/**
 * Signs and sends requests, each once. One is sent again only where the service has refused it for its signature, and it was signed before the
 * process was stopped, or there are other credentials now.
 */
export class ServiceCalls {
  readonly #authentication: Authentication;
  readonly #report: Report;
  readonly #graceMs: number | undefined;
  readonly #transport = new HttpTransport();
  /** By the server: one that takes these credentials says nothing about another one. */
  readonly #graces = new Map<string, CredentialGrace>();
  #offsetMs = 0;

  /** @param graceMs how long credentials that have worked may be refused before that is for good */
  constructor(authentication: Authentication, report: Report, graceMs?: number) {
    this.#authentication = authentication;
    this.#report = report;
    this.#graceMs = graceMs;
  }

  /** The service's clock, as far as answers have shown it. */
  get serviceNowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  /**
   * @throws `ServiceAnswerError` for an answer that is no success · an error of Node · a `TimeoutError` · the signal's reason · for credentials
   * `configuration`, `timeout`, and `unauthenticated`, which is retryable while those that have worked may be about to be replaced
   */
  async send(call: ServiceCall, signal: AbortSignal): Promise<HttpAnswer> {
    const grace = this.#graceOf(call.url);
    try {
      const answer = await this.#sendAccepted(call, signal);
      grace.worked();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (isRefused(error) || isStreamError(error, "unauthenticated")) throw refusal(error, grace);
      if (error instanceof ServiceAnswerError && error.statusCode < 500) grace.worked();
      throw error;
    }
  }

  #graceOf(url: string): CredentialGrace {
    const server = url.slice(0, url.indexOf("/", url.indexOf("//") + 2));
    const grace = this.#graces.get(server) ?? new CredentialGrace(this.#graceMs);
    this.#graces.set(server, grace);
    return grace;
  }

  async #sendAccepted(call: ServiceCall, signal: AbortSignal): Promise<HttpAnswer> {
    for (let isRenewed = false; ;) {
      const request = await this.#signed(call, signal);
      try {
        return await this.#sendOnce(call, request, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isRefused(error)) throw error;
        if (Date.now() - request.signedMs >= STALE_SIGNATURE_MS) continue;
        const skew = clockSkew(error);
        if (skew !== null) throw skew;
        if (isRenewed || !(await this.#authentication.hasOtherThan(request.keyId, signal))) throw error;
        isRenewed = true;
      }
    }
  }

  async #signed({ method, url, body, isUpload = false, ...call }: ServiceCall, signal: AbortSignal): Promise<SignedRequest> {
    const headers = new RequestHeaders();
    headers.set("accept", "application/json");
    for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
    const content = typeof body === "string" ? Buffer.from(body, "utf8") : (body ?? null);
    if (content !== null && isUpload) {
      headers.set("content-type", "application/json");
      headers.set("content-length", String(content.length));
    }
    const signed = { uri: url, method, headers, body: isUpload || typeof body !== "string" ? undefined : body };
    const keyId = await this.#authentication.sign(signed, !isUpload, signal);
    return { headers, content, keyId, signedMs: Date.now() };
  }

  async #sendOnce(call: ServiceCall, { headers, content }: SignedRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { operation, method, url, topic, bytes = 0, messages } = call;
    signal.throwIfAborted();
    const startedMs = performance.now();
    try {
      const answer = await this.#transport.send({ method, url, headers: headers.all, body: content }, TIME_LIMIT_MS, signal);
      this.#learnClock(answer);
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw new ServiceAnswerError(operation, answer);
    } finally {
      if (this.#report.wants("call")) {
        this.#report({ kind: "call", operation, topic, bytes, messages, durationMs: performance.now() - startedMs });
      }
    }
  }

  #learnClock({ headers: { date } }: HttpAnswer): void {
    const answeredMs = typeof date === "string" ? Date.parse(date) : Number.NaN;
    if (Number.isNaN(answeredMs)) return;
    // The time is that of the beginning of a second.
    const offsetMs = answeredMs + 500 - Date.now();
    this.#offsetMs = Math.abs(offsetMs) < LEAST_OFFSET_MS ? 0 : offsetMs;
  }

  /** Breaks what is under way. */
  close(): void {
    this.#transport.close();
  }
}

function isRefused(error: unknown): error is ServiceAnswerError {
  return error instanceof ServiceAnswerError && error.statusCode === 401;
}

/** What is thrown where these credentials do not work. */
function refusal(error: ServiceAnswerError | StreamError, grace: CredentialGrace): Error {
  const retryable = grace.failed();
  if (!grace.hasWorked) return error;
  const [text, cause] = isStreamError(error) ? [error.message, error.cause] : [NO_LONGER_ACCEPTED, error];
  return ociError("unauthenticated", text, { retryable, cause });
}

function clockSkew(error: ServiceAnswerError): Error | null {
  const offMs = error.answeredMs === null ? 0 : error.answeredMs - Date.now();
  if (Math.abs(offMs) < CLOCK_SKEW_MS) return null;
  const text = `the clock of this machine differs by ${Math.round(Math.abs(offMs) / 1_000)} seconds from that of the service, which accepts five minutes`;
  return ociError("unauthenticated", text, { cause: error });
}
