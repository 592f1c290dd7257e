/** What an `Authorization` header of this cloud says. */
export interface SignatureHeader {
  readonly keyId: string;
  /** Lower case, in the order in which they were signed. */
  readonly headers: readonly string[];
  readonly signature: Buffer;
}

/** @returns `null` for anything but a signature of version 1 by RSA-SHA256. https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm */
export function parseAuthorization(text: string | undefined): SignatureHeader | null {
  if (text === undefined || !/^Signature /i.test(text)) return null;
  const parts = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/(\w+)="([^"]*)"/g)) parts.set(name!, value!);
  const [keyId, headers, signature] = [parts.get("keyId"), parts.get("headers"), parts.get("signature")];
  if (keyId === undefined || headers === undefined || signature === undefined) return null;
  if (parts.get("algorithm") !== "rsa-sha256" || (parts.get("version") ?? "1") !== "1") return null;
  return { keyId, headers: headers.toLowerCase().split(" "), signature: Buffer.from(signature, "base64") };
}
