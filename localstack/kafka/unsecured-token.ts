/**
 * A JSON Web Signature without a signature ("alg": "none"), which Kafka's validator for tests accepts for OAUTHBEARER.
 * @param subject the name in the principal "User:<subject>"
 * @param lifetimeMs negative for a token that has expired
 */
export function unsecuredToken(subject: string, lifetimeMs: number, nowMs: number = Date.now()): string {
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString("base64url");
  // The standard uses seconds. The token was issued a minute ago, because the validator allows no difference between clocks.
  const claims = { sub: subject, iat: Math.floor(nowMs / 1000) - 60, exp: (nowMs + lifetimeMs) / 1000 };
  return `${part({ alg: "none" })}.${part(claims)}.`;
}
