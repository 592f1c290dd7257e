import { expect, test } from "vitest";
import type { Capabilities } from "../../../src/capabilities.ts";
import { encodeBookmark } from "../../../src/position/bookmark.ts";
import { createReader } from "../../../src/replay/reader.ts";
import type { ReaderOptions } from "../../../src/replay/reader-types.ts";
import { PROVIDER, fakeContext, position } from "./fake-context.ts";
import { FakeLog, IDENTITY } from "./fake-log.ts";

const POSITION = position("a", 1);
const BOOKMARK = encodeBookmark(PROVIDER, IDENTITY, new Map([["a", { kind: "earliest" }]]));
const log = (): FakeLog => new FakeLog("a", "b");

test.each<[string, unknown, RegExp]>([
  ["no object", null, /an object is needed; received null/],
  ["an unknown option", { form: "earliest" }, /there is no "form"; allowed are from, until, partitions/],
  [
    "an unknown word",
    { from: "now" },
    /^from must be one of "earliest", "latest", \{ timestamp \}, \{ bookmark \}, \{ at \}, \{ after \}; received a string of 3 characters$/,
  ],
  ["two properties", { from: { at: POSITION, after: POSITION } }, /received 2 properties: "at", "after"$/],
  ["no property", { from: { at: undefined } }, /received an object without any of them$/],
  ["an unknown form", { from: { offset: 3 } }, /received an object with "offset"$/],
  ["a list", { from: [POSITION] }, /received an array of 1$/],
  ["a time that is none", { from: { timestamp: new Date(Number.NaN) } }, /^from: timestamp must be a valid Date/],
  ["a time as text", { from: { timestamp: "2026-01-01" } }, /^from: timestamp must be a valid Date/],
  [
    "a position that is no text",
    { from: { at: 3 }, partitions: ["a"] },
    /^from: at must be a string that streamport handed out; received 3$/,
  ],
  ["a truncated position", { from: { at: POSITION.slice(0, -1) }, partitions: ["a"] }, /not a position that streamport handed out/],
  ["a bookmark for a position", { from: { at: BOOKMARK }, partitions: ["a"] }, /^this is a bookmark; a position is needed here$/],
  ["a position for a bookmark", { from: { bookmark: POSITION } }, /^this is a position; a bookmark is needed here$/],
  ["a truncated bookmark", { from: { bookmark: BOOKMARK.slice(0, -2) } }, /not a bookmark that streamport handed out/],
  [
    "after with more",
    { from: { after: POSITION }, partitions: ["a", "b"] },
    /^from: \{ after \} is a position of partition "a": leave partitions out, or name only this one \(received "a", "b"\)/,
  ],
  ["through with more", { until: { through: POSITION }, partitions: ["a", "b"] }, /^until: \{ through \} is a position of partition "a"/],
  [
    "positions of two partitions",
    { from: { at: POSITION }, until: { through: position("b", 1) } },
    /^until: \{ through \} must be a position of the same partition as from; received partition "b" beside "a"$/,
  ],
  ["until an unknown word", { until: "latest" }, /^until must be one of "now", \{ timestamp \}, \{ bookmark \}, \{ through \}/],
  ["until at", { until: { at: POSITION } }, /received an object with "at"$/],
  ["until a forged bookmark", { until: { bookmark: `${BOOKMARK}x` } }, /not a bookmark/],
  ["partitions that are none", { partitions: "a" }, /partitions must be an array of non-empty strings/],
  ["no partitions", { partitions: [] }, /partitions must name at least one/],
  ["a bound of 0", { maxBufferedBytes: 0 }, /maxBufferedBytes must be a positive integer; received 0/],
  ["a batch option", { batch: { maxMesages: 5 } }, /^reader options: batch: there is no "maxMesages"/],
  ["a batch size", { batch: { maxMessages: 1.5 } }, /maxMessages must be a positive integer; received 1.5/],
  ["a callback", { onGap: "log" }, /onGap must be a function/],
])("%s: invalid-argument at once", (_, options, message) => {
  expect(() => createReader(fakeContext(log()), options as ReaderOptions)).toThrow(
    expect.objectContaining({
      code: "invalid-argument",
      message: expect.stringMatching(message),
      provider: PROVIDER,
      topic: "topic",
      operation: "read",
    }),
  );
});

test.each<[keyof Capabilities, ReaderOptions]>([
  ["partitions", { partitions: ["a"] }],
  ["startAtPosition", { from: { at: POSITION }, partitions: ["a"] }],
  ["startAtPosition", { from: { after: POSITION }, partitions: ["a"] }],
  ["startAtPosition", { until: { through: POSITION }, partitions: ["a"] }],
  ["startAtTimestamp", { from: { timestamp: 1 } }],
  ["startAtTimestamp", { until: { timestamp: 1 } }],
  ["endAtBookmark", { until: { bookmark: BOOKMARK } }],
])("without %s: unsupported at once", (capability, options) => {
  expect(() => createReader(fakeContext(log(), { capabilities: { [capability]: false } }), options)).toThrow(
    expect.objectContaining({ code: "unsupported", capability, provider: PROVIDER }),
  );
  expect(() => createReader(fakeContext(log()), options)).not.toThrow();
});

test("undefined counts as absent", () => {
  const options: ReaderOptions = {
    from: undefined,
    until: undefined,
    partitions: undefined,
    batch: undefined,
    maxBufferedBytes: undefined,
  };
  expect(() => createReader(fakeContext(log()), options)).not.toThrow();
  expect(() => createReader(fakeContext(log()), undefined)).not.toThrow();
});

test("where there is one partition only, a position needs no partition beside it", async () => {
  const single = new FakeLog("a");
  single.fill("a", 3);
  const reader = createReader(fakeContext(single, { capabilities: { partitions: false } }), { from: { at: POSITION }, until: "now" });
  const found: string[] = [];
  for await (const { value } of reader) found.push(value);
  expect(found).toEqual(["a:1", "a:2"]);
});

test.each<[string, ReaderOptions, readonly string[]]>([
  ["at", { from: { at: position("b", 1) }, until: "now" }, ["b:1", "b:2"]],
  ["after", { from: { after: position("b", 1) }, until: "now" }, ["b:2"]],
  ["through", { until: { through: position("b", 1) } }, ["b:0", "b:1"]],
  ["at and through", { from: { at: position("b", 0) }, until: { through: position("b", 1) } }, ["b:0", "b:1"]],
  ["a bookmark and through", { from: { bookmark: BOOKMARK }, until: { through: position("b", 0) } }, ["b:0"]],
])("a position reads its own partition only: %s", async (_, options, expected) => {
  const both = log();
  both.fill("a", 3);
  both.fill("b", 3);
  const found: string[] = [];
  for await (const { value } of createReader(fakeContext(both), options)) found.push(value);
  expect(found).toEqual(expected);
});

test("a position of another provider is a mismatch at once", () => {
  const foreign = position("x", 1, IDENTITY, "other");
  expect(() => createReader(fakeContext(log()), { from: { at: foreign }, partitions: ["a"] })).toThrow(
    expect.objectContaining({ code: "position-mismatch" }),
  );
});

test.each([
  ["topic", { ...IDENTITY, topic: "other" }],
  ["cluster", { ...IDENTITY, cluster: "other" }],
  ["re-created topic", { ...IDENTITY, incarnation: "second" }],
])("tokens of another %s: position-mismatch, before anything is resolved or read", async (_, identity) => {
  const at = position("a", 1, identity);
  const bookmark = encodeBookmark(PROVIDER, identity, new Map());
  const cases: ReaderOptions[] = [
    { from: { at }, partitions: ["a"] },
    { from: { after: at }, partitions: ["a"] },
    { until: { through: at }, partitions: ["a"] },
    { from: { bookmark } },
    { until: { bookmark } },
  ];
  for (const options of cases) {
    const untouched = log();
    const reader = createReader(fakeContext(untouched), options);
    await expect(reader[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "position-mismatch", provider: PROVIDER });
    expect(untouched.requests).toEqual([]);
  }
});

test("a position of another partition than the one named", async () => {
  const reader = createReader(fakeContext(log()), { from: { at: POSITION }, partitions: ["b"] });
  await expect(reader[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringMatching(/is a position of partition "a": .* \(received "b"\)/),
  });
});

test("a topic that is re-created while the range is resolved", async () => {
  const recreated = log();
  const resolve = recreated.resolve.bind(recreated);
  recreated.resolve = async (request) => ({ ...(await resolve(request)), identity: { ...IDENTITY, incarnation: "second" } });
  const reader = createReader(fakeContext(recreated), { from: { bookmark: BOOKMARK } });
  await expect(reader.bookmark()).rejects.toMatchObject({ code: "position-mismatch" });
});

test("the identity is asked for only where a token is held against it, and once", async () => {
  const context = fakeContext(log());
  await createReader(context, { until: "now" })[Symbol.asyncIterator]().next();
  expect(context.identityCalls).toBe(0);
  await createReader(context, { from: { bookmark: BOOKMARK }, until: { bookmark: BOOKMARK } }).bookmark();
  expect(context.identityCalls).toBe(1);
});
