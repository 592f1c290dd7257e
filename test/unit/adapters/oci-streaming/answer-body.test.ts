import { expect, test } from "vitest";
import { AnswerBody } from "../../../../adapters/oci-streaming/client/answer-body.ts";

const bodyOf = (contentLength: string | undefined, ...parts: readonly string[]): string => {
  const body = new AnswerBody(contentLength);
  for (const part of parts) body.add(Buffer.from(part));
  return body.bytes.toString();
};

test.each([
  ["whose length is told", "5"],
  ["whose length is not told", undefined],
  ["whose length is no number", "five"],
  ["that tells more than an answer can have", String(2 ** 40)],
])("the parts of a body %s come together", (_, contentLength) => {
  expect(bodyOf(contentLength, "ab", "cde")).toBe("abcde");
});

test("an answer without its body, as to HEAD, has none, whatever length it tells", () => {
  expect(bodyOf("5")).toBe("");
});

test("a body that is shorter than it tells has nothing behind its end", () => {
  expect(bodyOf("5", "ab")).toBe("ab");
});
