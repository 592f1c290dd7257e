import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Account } from "../account.ts";
import type { ServiceClock } from "../service-clock.ts";
import { ServiceError } from "../service-error.ts";
import type { HttpCall } from "./http-call.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";
const TOLERATED_MS = 300_000;
const SIGNATURE_PARTS = ["Credential", "SignedHeaders", "Signature"] as const;

/** What a valid signature tells. */
export interface Signer {
  readonly accessKeyId: string;
  readonly sessionToken: string | null;
}

/**
 * Checks who signs the requests, for which region and service, and when (AWS Signature Version 4). The signature itself is checked where the
 * secret is known.
 */
export class RequestSignatures {
  readonly #account: Account;
  readonly #clock: ServiceClock;
  /** Secrets by access key. null: all keys are accepted. */
  readonly #secrets: ReadonlyMap<string, string> | null;
  readonly #seen = new Set<string>();
  readonly #expired = new Set<string>();

  constructor(account: Account, clock: ServiceClock, secrets: ReadonlyMap<string, string> | null) {
    this.#account = account;
    this.#clock = clock;
    this.#secrets = secrets;
  }

  /** From now on these credentials have expired: all that have been used, or those of one access key or session token. */
  expire(which?: string): void {
    for (const id of which === undefined ? this.#seen : [which]) this.#expired.add(id);
  }

  /** @param service as the credential has to be scoped. @throws ServiceError for a signature that the service would refuse */
  check(call: HttpCall, service: "kinesis" | "dynamodb"): void {
    const parts = partsOf(call.headers.authorization);
    const date = header(call, "x-amz-date") ?? header(call, "date");
    if (date === null) throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
    const timeMs = timeOf(date);
    if (timeMs === null) throw incomplete(`Date must be in ISO-8601 'basic format'. Got '${date}'.`);
    this.#checkScope(parts.Credential, service, date);
    this.#checkTime(date, timeMs);
    const signer = { accessKeyId: parts.Credential.split("/")[0]!, sessionToken: header(call, "x-amz-security-token") };
    this.#checkSigner(signer);
    const secret = this.#secrets?.get(signer.accessKeyId);
    if (secret !== undefined) checkSignature(call, parts, date, secret);
  }

  #checkScope(credential: string, service: string, date: string): void {
    const scope = credential.split("/");
    if (scope.length !== 5) {
      throw incomplete(`Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`);
    }
    const [, day, region, scopedTo, terminator] = scope;
    const wrong = [
      ...(region === this.#account.region ? [] : [`Credential should be scoped to a valid region, not '${region}'. `]),
      ...(scopedTo === service ? [] : [`Credential should be scoped to correct service: '${service}'. `]),
      ...(terminator === "aws4_request"
        ? []
        : [`Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'. `]),
      ...(day === date.slice(0, 8)
        ? []
        : [
            `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${date.slice(0, 8)}'. `,
          ]),
    ];
    if (wrong.length > 0) throw invalidSignature(wrong.join("").trimEnd());
  }

  #checkTime(date: string, timeMs: number): void {
    const nowMs = this.#clock.nowMs();
    const [now, earliest, latest] = [nowMs, nowMs - TOLERATED_MS, nowMs + TOLERATED_MS].map(basicFormat);
    if (timeMs < nowMs - TOLERATED_MS)
      throw invalidSignature(`Signature expired: ${date} is now earlier than ${earliest} (${now} - 5 min.)`);
    if (timeMs > nowMs + TOLERATED_MS)
      throw invalidSignature(`Signature not yet current: ${date} is still later than ${latest} (${now} + 5 min.)`);
  }

  #checkSigner({ accessKeyId, sessionToken }: Signer): void {
    if (this.#secrets !== null && !this.#secrets.has(accessKeyId)) {
      throw new ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.");
    }
    // Temporary credentials expire with their token; the same key may come again with another one.
    const id = sessionToken ?? accessKeyId;
    this.#seen.add(id);
    const isExpired = this.#expired.has(id) || (sessionToken !== null && this.#expired.has(accessKeyId));
    if (isExpired) throw new ServiceError("ExpiredTokenException", "The security token included in the request is expired");
  }
}

type SignatureParts = Readonly<Record<(typeof SIGNATURE_PARTS)[number], string>>;

function partsOf(authorization: string | undefined): SignatureParts {
  if (authorization?.startsWith("AWS4-") !== true)
    throw new ServiceError("MissingAuthenticationTokenException", "Request is missing Authentication Token");
  const given = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(",")
      .map((part) => part.trim().split("=", 2) as [string, string]),
  );
  const missing = SIGNATURE_PARTS.filter((name) => !given.has(name)).map((name) => `Authorization header requires '${name}' parameter. `);
  if (missing.length > 0) throw incomplete(missing.join("").trimEnd());
  return Object.fromEntries(given) as SignatureParts;
}

/** Compares with the signature that the secret gives for this request. */
function checkSignature(call: HttpCall, { Credential, SignedHeaders, Signature }: SignatureParts, date: string, secret: string): void {
  const [path = "/", query = ""] = call.url.split("?");
  const lines = SignedHeaders.split(";").map((name) => `${name}:${(header(call, name) ?? "").trim().replace(/\s+/g, " ")}\n`);
  const sortedQuery = query.split("&").toSorted().join("&");
  const request = [call.method, path, sortedQuery, lines.join(""), SignedHeaders, sha256(call.body)].join("\n");
  const scope = Credential.split("/").slice(1);
  const toSign = [ALGORITHM, date, scope.join("/"), sha256(request)].join("\n");
  const key = scope.reduce<string | Buffer>((from, part) => hmac(from, part), `AWS4${secret}`);
  const [expected, given] = [hmac(key, toSign), Buffer.from(Signature, "hex")];
  if (expected.length === given.length && timingSafeEqual(expected, given)) return;
  throw invalidSignature(
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
  );
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

function header({ headers }: HttpCall, name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? null);
}

/** @returns null for a text that is no time in the basic format of ISO 8601 */
function timeOf(date: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(timeMs) ? null : timeMs;
}

function basicFormat(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, "");
}

function incomplete(message: string): ServiceError {
  return new ServiceError("IncompleteSignatureException", message);
}

function invalidSignature(message: string): ServiceError {
  return new ServiceError("InvalidSignatureException", message);
}
