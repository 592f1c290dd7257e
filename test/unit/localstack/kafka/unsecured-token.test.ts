import { expect, test } from "vitest";
import { unsecuredToken } from "../../../../localstack/kafka/unsecured-token.ts";

test("a token of three parts: no algorithm, the claims, no signature", () => {
  const [header, claims, signature] = unsecuredToken("admin", 30_000, 1_700_000_000_000).split(".");
  const content = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? "", "base64url").toString());
  expect(content(header)).toEqual({ alg: "none" });
  expect(content(claims)).toEqual({ sub: "admin", iat: 1_699_999_940, exp: 1_700_000_030 });
  expect(signature).toBe("");
});
