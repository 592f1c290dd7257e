import { type KeyObject, createHash, verify } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ServiceError } from "../server/service-error.ts";
import { parseAuthorization } from "./authorization-header.ts";

/** A request as it came. */
export interface SignedRequest {
  readonly method: string;
  /** The path and the query, as they were sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const ALWAYS = ["(request-target)", "host"];
const DATES = ["date", "x-date"];
const WITH_BODY = ["content-length", "content-type", "x-content-sha256"];
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const MOST_SKEW_MS = 300_000;

/**
 * Verifies who has sent the request, that it is as it was sent, and when that was.
 * @param keyOf the public key of a key id; `null`: there is none
 * @param mayLeaveBodyUnsigned as the vendor allows it for the calls that upload
 * @throws `ServiceError` 401 NotAuthenticated. https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
 */
export function verifyRequest(
  request: SignedRequest,
  keyOf: (keyId: string) => KeyObject | null,
  nowMs: number,
  mayLeaveBodyUnsigned: boolean,
): void {
  const authorization = parseAuthorization(request.headers.authorization);
  if (authorization === null) throw notAuthenticated();
  const { keyId, headers, signature } = authorization;
  const needsBody = METHODS_WITH_BODY.has(request.method) && !mayLeaveBodyUnsigned;
  const needed = needsBody ? [...ALWAYS, ...WITH_BODY] : ALWAYS;
  const date = DATES.find((name) => headers.includes(name));
  if (date === undefined || !needed.every((name) => headers.includes(name))) throw notAuthenticated();
  checkDate(String(request.headers[date] ?? ""), nowMs);
  const key = keyOf(keyId);
  if (key === null || !verify("sha256", signingString(request, headers), key, signature)) throw notAuthenticated();
  if (headers.includes("x-content-sha256")) {
    const digest = createHash("sha256").update(request.body).digest("base64");
    if (request.headers["x-content-sha256"] !== digest) throw notAuthenticated();
  }
}

function signingString({ method, target, headers }: SignedRequest, names: readonly string[]): Buffer {
  const lines = names.map((name) => {
    const value = name === "(request-target)" ? `${method.toLowerCase()} ${target}` : String(headers[name] ?? "");
    return `${name}: ${value}`;
  });
  return Buffer.from(lines.join("\n"), "utf8");
}

function checkDate(text: string, nowMs: number): void {
  const sentMs = Date.parse(text);
  if (Number.isNaN(sentMs)) throw notAuthenticated();
  if (Math.abs(sentMs - nowMs) <= MOST_SKEW_MS) return;
  const [now, from, to] = [nowMs, nowMs - MOST_SKEW_MS, nowMs + MOST_SKEW_MS].map((ms) => new Date(ms).toUTCString());
  const range = `Current '${now}', valid datetime range: ['${from}', '${to}']`;
  throw new ServiceError(401, "NotAuthenticated", `Date '${text}' is not within allowed clock skew. ${range}`);
}

function notAuthenticated(): ServiceError {
  return new ServiceError(
    401,
    "NotAuthenticated",
    "The required information to complete authentication was not provided or was incorrect.",
  );
}
