import { createHmac, timingSafeEqual } from "node:crypto";

/** What a holder of a token may do: https://learn.microsoft.com/azure/event-hubs/authorize-access-shared-access-signature */
export type Claim = "Send" | "Listen" | "Manage";

/** A shared access policy of the namespace. */
export interface AccessPolicy {
  readonly key: string;
  readonly claims: readonly Claim[];
}

/** What a token permits, and until when. */
export interface Grant {
  readonly claims: readonly Claim[];
  /** `Infinity`: it does not say. */
  readonly expiresMs: number;
}

/** Why a token is refused. */
export class TokenRefusal extends Error {}

const ALL_CLAIMS: readonly Claim[] = ["Send", "Listen", "Manage"];

/**
 * Checks a token for an audience.
 * @param type as the client names it: `servicebus.windows.net:sastoken` or `jwt`. Nobody can check the signature of the latter here, so each one is accepted until it expires
 * @throws TokenRefusal
 */
export function grantOf(policies: ReadonlyMap<string, AccessPolicy>, token: string, type: string, audience: string, nowMs: number): Grant {
  const grant = type === "jwt" ? grantOfBearer(token) : grantOfSignature(policies, token, audience);
  if (grant.expiresMs <= nowMs) {
    throw new TokenRefusal(`ExpiredToken: The token is expired. Expiration time: '${new Date(grant.expiresMs).toISOString()}'.`);
  }
  return grant;
}

function grantOfSignature(policies: ReadonlyMap<string, AccessPolicy>, token: string, audience: string): Grant {
  const [scheme, fields] = token.split(" ");
  if (scheme !== "SharedAccessSignature" || fields === undefined) {
    throw new TokenRefusal("MalformedToken: The token is no shared access signature.");
  }
  // Not URLSearchParams: the signature covers the resource as it is encoded in the token.
  const parts = new Map(fields.split("&").map((field) => [field.slice(0, field.indexOf("=")), field.slice(field.indexOf("=") + 1)]));
  const [resource, signature, expiry, name] = ["sr", "sig", "se", "skn"].map((part) => parts.get(part));
  if (resource === undefined || signature === undefined || expiry === undefined || name === undefined || !/^\d+$/.test(expiry)) {
    throw new TokenRefusal("MalformedToken: The token needs sr, sig, se and skn.");
  }
  const policy = policies.get(decoded(name));
  const expected = policy === undefined ? null : createHmac("sha256", policy.key).update(`${resource}\n${expiry}`).digest("base64");
  if (policy === undefined || expected === null || !isSame(expected, decoded(signature))) {
    throw new TokenRefusal("InvalidSignature: The token has an invalid signature.");
  }
  if (!covers(entityOf(decoded(resource)), entityOf(audience))) {
    throw new TokenRefusal("InvalidAudience: The token is for another resource.");
  }
  return { claims: policy.claims, expiresMs: Number(expiry) * 1_000 };
}

function grantOfBearer(token: string): Grant {
  if (token === "") throw new TokenRefusal("MalformedToken: The token is empty.");
  try {
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { readonly exp?: unknown };
    return { claims: ALL_CLAIMS, expiresMs: typeof exp === "number" ? exp * 1_000 : Infinity };
  } catch {
    // A made-up token, as tests have them.
    return { claims: ALL_CLAIMS, expiresMs: Infinity };
  }
}

/** The path of a resource without scheme and host, in lower case: `sb://localhost:5672/Orders/Partitions/0` is `orders/partitions/0`. */
export function entityOf(resource: string): string {
  return resource
    .replace(/^[a-z]+:\/\/[^/]*/i, "")
    .replace(/^\/+|\/+$/g, "")
    .toLowerCase();
}

/** Whether what is granted for one entity holds for another one: it is the same, or lies below it. */
export function covers(granted: string, wanted: string): boolean {
  return granted === "" || granted === wanted || wanted.startsWith(`${granted}/`);
}

/** Clients encode by `encodeURIComponent` or as forms do; a plus sign is not sent as such. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TokenRefusal("MalformedToken: The token is not percent-encoded correctly.");
  }
}

function isSame(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
