import { assert, bigInt, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { classify, mayBeDone, waitHintMs } from "../../../../adapters/oci-streaming/errors.ts";
import { ServiceAnswerError } from "../../../../adapters/oci-streaming/client/service-answer-error.ts";
import { jsonOf } from "../../../../adapters/oci-streaming/client/stream-calls.ts";
import { messageEntry } from "../../../../adapters/oci-streaming/produce/message-entry.ts";
import { ParsedPage, type ServiceMessage } from "../../../../adapters/oci-streaming/read/message-page.ts";
import { comparePositions, contentsOf, plainRecords } from "../../../../adapters/oci-streaming/records.ts";
import type { OutgoingRecord } from "../../../../src/driver/index.ts";

const TIME = "2026-11-29T10:00:00.000Z";

const record = (key: Uint8Array | null, value: Uint8Array | null, headers: OutgoingRecord["headers"] = []): OutgoingRecord => ({
  key,
  value,
  headers,
  timestampMs: null,
  toPartition: undefined,
});

const stored = ({ key = null, value }: { readonly key?: string | null; readonly value: string }, offset = "7"): ServiceMessage => ({
  stream: "flights",
  partition: "0",
  key,
  value,
  offset,
  timestamp: TIME,
});

const contentOf = (message: ServiceMessage) => contentsOf(new ParsedPage([message]))[0]!;

const bytes = (text: string): Buffer => Buffer.from(text);

describe("messages", () => {
  test("keep keys of any bytes and length, tombstones and headers in a frame, several in one", () => {
    const keys = [bytes("LX-12"), Buffer.from([0xff, 0, 0xc3]), Buffer.alloc(0), Buffer.alloc(900, 7), null];
    for (const key of keys) {
      const sent = [record(key, bytes("one"), [["trace", bytes("x")]]), record(key, null), record(key, Buffer.alloc(0))];
      const content = contentOf(stored(messageEntry("frame", sent)));
      expect(content.kind).toBe("messages");
      if (content.kind !== "messages") continue;
      expect(content.isUnderOtherKey).toBe(false);
      expect(content.messages.map(({ position }) => position)).toEqual(["7/0", "7/1", "7/2"]);
      expect(content.messages.map((one) => (one.key === null ? null : Buffer.from(one.key)))).toEqual([key, key, key]);
      expect(content.messages.map(({ value }) => (value === null ? null : Buffer.from(value).toString()))).toEqual(["one", null, ""]);
      expect(content.messages[0]!.timestampMs).toBe(Date.parse(TIME));
    }
  });

  test("of others are handed on as they are, and raw ones are never taken for frames", () => {
    const framed = messageEntry("frame", [record(bytes("a"), bytes("value"))]);
    expect(plainRecords(new ParsedPage([stored(framed)]), 0, 1)).toMatchObject([{ position: "7" }]);
    const moved = contentOf(stored({ ...framed, key: bytes("b").toString("base64") }));
    expect(moved).toMatchObject({ kind: "messages", isUnderOtherKey: true });
    const foreign = contentOf(stored({ key: bytes("k").toString("base64"), value: bytes("plain").toString("base64") }));
    expect(foreign).toMatchObject({ kind: "messages", isUnderOtherKey: false });
  });

  test("in the envelope raw need a key that the service takes", () => {
    expect(messageEntry("raw", [record(null, bytes("v"))])).toEqual({ value: bytes("v").toString("base64") });
    for (const key of [Buffer.alloc(0), Buffer.alloc(257)]) {
      expect(() => messageEntry("raw", [record(key, bytes("v"))])).toThrow(/the key of a raw message has 1 to 256 bytes/);
    }
  });
});

describe("positions", () => {
  test("are offsets of any size, exact from the answer to the comparison", () => {
    const offset = "9007199254740993";
    const body = Buffer.from(
      `[{"stream":"\\"offset\\":1","partition":"0","key":null,"value":"dg==","offset":${offset},"timestamp":"${TIME}"}]`,
    );
    const [message] = jsonOf({ body }) as readonly ServiceMessage[];
    expect(message).toMatchObject({ stream: '"offset":1', offset });
    expect(comparePositions(offset, "9007199254740992")).toBeGreaterThan(0);
  });

  test("are ordered as their numbers, packed ones before the whole message", () => {
    assert(
      property(bigInt({ min: 0n, max: 10n ** 25n }), bigInt({ min: 0n, max: 10n ** 25n }), (a, b) => {
        expect(Math.sign(comparePositions(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
    expect(comparePositions("7/1", "7")).toBeLessThan(0);
    expect(comparePositions("7", "8/0")).toBeLessThan(0);
    for (const malformed of ["", "-1", "07", "x", "7/"]) expect(() => comparePositions(malformed, malformed)).toThrow(/position/);
  });
});

describe("errors", () => {
  const answer = (status: number, code: string, text = ""): ServiceAnswerError =>
    new ServiceAnswerError("PutMessages", { status, headers: {}, body: Buffer.from(JSON.stringify({ code, message: text })) });

  test.each([
    [429, "TooManyRequests", "throttled", true, false],
    [409, "IncorrectState", "unavailable", true, false],
    [500, "InternalServerError", "unavailable", true, true],
    [503, "None", "unavailable", true, true],
    [400, "InvalidParameter", "invalid-argument", false, false],
    [401, "NotAuthenticated", "unauthenticated", false, false],
    [404, "NotAuthorizedOrNotFound", "permission-denied", false, false],
    [404, "NotFound", "configuration", false, false],
    [413, "None", "too-large", false, false],
  ] as const)("%i %s is %s", (status, code, expected, retryable, ambiguous) => {
    const error = answer(status, code, "secret text of the service");
    expect(classify(error)).toMatchObject({ code: expected, retryable, provider: "oci-streaming", cause: error });
    expect(classify(error).message).not.toContain("secret");
    expect(mayBeDone(error)).toBe(ambiguous);
  });

  test("a body that is not the service's own has no code", () => {
    const error = new ServiceAnswerError("GetMessages", { status: 502, headers: { date: "no date" }, body: Buffer.from("<html>") });
    expect(error).toMatchObject({ statusCode: 502, serviceCode: "None", answeredMs: null });
  });

  test("the pause that the service asks for is found in its text", () => {
    expect(waitHintMs("Request was throttled because requests limit exhausted, next request can be made in 120 ms")).toBe(120);
    expect(waitHintMs("try later")).toBeNull();
  });
});
