import { afterEach, expect, test, vi } from "vitest";
import { AwsCalls } from "../../../../adapters/kinesis/client/aws-calls.ts";
import type { Report } from "../../../../src/driver/index.ts";

const SILENT: Report = Object.assign(() => undefined, { wants: () => false });
const FACTS = { operation: "UpdateItem" };
const { signal } = new AbortController();
const named = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name, ...more });

afterEach(() => void vi.restoreAllMocks());

/** A client that answers with these, one after the other, and how often it was asked. */
function clientOf(answers: readonly (() => unknown)[], config: object = {}) {
  let sent = 0;
  const client = {
    config,
    send: async () => {
      sent += 1;
      return answers[sent - 1]!();
    },
  };
  return { calls: new AwsCalls(client, SILENT, 10_000, () => new AbortController()), sent: () => sent };
}

const fail = (error: Error) => (): never => {
  throw error;
};

test.each(["InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch"])(
  "%s is sent once more at once, if the process stood still for five minutes between signing and sending",
  async (name) => {
    let nowMs = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => nowMs);
    const frozen = (): never => {
      nowMs += 300_000;
      throw named(name);
    };
    const { calls, sent } = clientOf([frozen, () => "stored"]);
    await expect(calls.send({}, FACTS, signal)).resolves.toBe("stored");
    expect(sent()).toBe(2);
  },
);

test("a signature that is refused at once is wrong: no other attempt", async () => {
  const { calls, sent } = clientOf([fail(named("InvalidSignatureException")), () => "stored"]);
  await expect(calls.send({}, FACTS, signal)).rejects.toMatchObject({ name: "InvalidSignatureException" });
  expect(sent()).toBe(1);
});

test("where the SDK has corrected its clock the request is sent once more, and not a third time", async () => {
  const skewed = fail(named("InvalidSignatureException", { $metadata: { clockSkewCorrected: true } }));
  const corrected = clientOf([skewed, () => "stored"]);
  await expect(corrected.calls.send({}, FACTS, signal)).resolves.toBe("stored");
  expect(corrected.sent()).toBe(2);
  const wrong = clientOf([skewed, skewed, () => "stored"]);
  await expect(wrong.calls.send({}, FACTS, signal)).rejects.toMatchObject({ name: "InvalidSignatureException" });
  expect(wrong.sent()).toBe(2);
});

test("credentials that have expired are fetched anew once for all requests that they have signed", async () => {
  let tokens = 1;
  let refreshes = 0;
  const credentials = async (options?: { readonly forceRefresh: boolean }) => {
    if (options?.forceRefresh === true) {
      refreshes += 1;
      tokens += 1;
    }
    return { accessKeyId: "any", sessionToken: `token-${tokens}` };
  };
  const expired = fail(named("ExpiredTokenException"));
  const { calls, sent } = clientOf([expired, expired, expired, () => "a", () => "b", () => "c"], { credentials });
  const results = await Promise.all([1, 2, 3].map(async () => calls.send({}, FACTS, signal)));
  expect(new Set(results)).toEqual(new Set(["a", "b", "c"]));
  expect([refreshes, sent()]).toEqual([1, 6]);
});

test("the same credentials again are no other ones: the request fails as it did", async () => {
  const credentials = async () => ({ accessKeyId: "any", sessionToken: "token" });
  const { calls, sent } = clientOf([fail(named("ExpiredTokenException")), () => "stored"], { credentials });
  await expect(calls.send({}, FACTS, signal)).rejects.toMatchObject({ name: "ExpiredTokenException" });
  expect(sent()).toBe(1);
});
