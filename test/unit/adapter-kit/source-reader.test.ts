import { expect, test } from "vitest";
import { SourceReader } from "../../../src/adapter-kit/index.ts";
import { type RangePartition, type RangeRequest, type ReaderSink, StreamError } from "../../../src/driver/index.ts";
import { ScriptedSource, caughtUp, records } from "./scripted-source.ts";

const never = new AbortController().signal;
const at = (position: string) => ({ kind: "at", position }) as const;
const earliest = { kind: "earliest" } as const;
const report = Object.assign(() => undefined, { wants: () => false });
const classify = (error: unknown): StreamError =>
  error instanceof StreamError ? error : new StreamError("internal", "?", { cause: error });

function reader(source: ScriptedSource, readerEnd: "position" | "caught-up" = "position"): SourceReader {
  const retry = { report, classify, initialDelayMs: 1, maxDelayMs: 1 };
  return new SourceReader({ provider: "p", topic: "orders", source, readerEnd, describeMs: 2, retry });
}

function resolve(source: ScriptedSource, request: Partial<RangeRequest>, readerEnd?: "position" | "caught-up") {
  return reader(source, readerEnd).resolve({ from: earliest, until: null, partitions: null, ...request }, never);
}

/** Notes what it gets; done with a partition at `caughtUp`, unless `more` says otherwise. */
function noting(more: Partial<ReaderSink> = {}) {
  const seen: unknown[] = [];
  const sink: ReaderSink = {
    deliver: async (partition, delivered) => (seen.push([partition, ...delivered.map(({ position }) => position)]), true),
    unreadable: async () => true,
    advanced: () => true,
    caughtUp: () => false,
    ended: (partition, children) => void seen.push(["ended", partition, children.map((child) => child.partition)]),
    appeared: (partitions) => void seen.push(["appeared", ...partitions.map(({ partition }) => partition)]),
    gap: async () => undefined,
    ...more,
  };
  return { seen, sink };
}

const range = (partition: string, more: Partial<RangePartition> = {}): RangePartition => ({
  partition,
  start: at("0"),
  end: { kind: "caught-up" },
  parents: [],
  gap: null,
  ...more,
});

test("a range has the identity, the start and the end of each partition that is wanted", async () => {
  const source = new ScriptedSource("0", "1", "2");
  const { identity, partitions } = await resolve(source, { until: { kind: "now" }, partitions: ["0", "2"] });
  expect(identity.topic).toBe("orders");
  expect(partitions).toEqual([
    range("0", { end: { kind: "before", position: "10" } }),
    range("2", { end: { kind: "before", position: "10" } }),
  ]);
  const only = await resolve(source, { from: { kind: "position", partition: "1", place: at("4") } });
  expect(only.partitions).toEqual([range("1", { start: at("4"), end: null })]);
});

test("ends follow the stop point and what the provider can resolve beforehand", async () => {
  const source = new ScriptedSource("0");
  const endOf = async (until: RangeRequest["until"], readerEnd?: "position" | "caught-up") =>
    (await resolve(source, { until }, readerEnd)).partitions[0]!.end;
  const places = (place: object) => ({ kind: "places", places: new Map([["0", place]]) }) as RangeRequest["until"];
  const time = { kind: "timestamp", timestampMs: 7 } as const;
  const before = (position: string) => ({ kind: "before", position });
  expect(await endOf(null)).toBeNull();
  expect(await endOf({ kind: "now" }, "caught-up")).toEqual({ kind: "caught-up" });
  expect([await endOf(time), await endOf(time, "caught-up")]).toEqual([before("5"), time]);
  expect([await endOf(places(at("3"))), await endOf(places({ kind: "after", position: "3" }))]).toEqual([
    before("3"),
    { kind: "through", position: "3" },
  ]);
  expect([await endOf(places({ kind: "latest" }), "caught-up"), await endOf(places(time), "caught-up")]).toEqual([
    { kind: "caught-up" },
    time,
  ]);
  expect([await endOf(places(earliest)), await endOf(places({ kind: "ended" }))]).toEqual([before("0"), null]);
  source.timed = time;
  expect(await endOf(time)).toEqual(time);
});

test("a partition that the stop point leaves out is there with an empty range", async () => {
  const source = new ScriptedSource("0", "1");
  const until = { kind: "places", places: new Map([["0", at("3")]]) } as const;
  expect((await resolve(source, { until })).partitions[1]).toEqual(range("1", { end: { kind: "before", position: "0" } }));
  source.timed = { kind: "earliest" };
  const [, left] = (await resolve(source, { from: { kind: "timestamp", timestampMs: 1 }, until })).partitions;
  expect(left).toMatchObject({ start: earliest, end: { kind: "timestamp", timestampMs: Number.MIN_SAFE_INTEGER } });
});

test("shards that were read are no part of the range, nor of the parents of others; gaps are those of the source", async () => {
  const source = new ScriptedSource("0", "1");
  source.partitions.push({ partition: "2", parents: ["0", "1", "gone"] });
  const gap = { resumesAt: at("6"), missing: 2 };
  source.found.set("2", gap);
  const from = { kind: "places", places: new Map([["0", { kind: "ended" } as const]]) } as const;
  const { partitions } = await resolve(source, { from });
  expect(partitions.map(({ partition, parents, gap }) => [partition, parents, gap])).toEqual([
    ["1", [], null],
    ["2", ["1"], gap],
  ]);
});

test("unknown partitions are refused with those that exist", async () => {
  const refused = { code: "invalid-argument", provider: "p", message: 'there is no partition "8"; topic "orders" has "0", "1"' };
  const source = new ScriptedSource("0", "1");
  await expect(resolve(source, { partitions: ["0", "8"] })).rejects.toMatchObject(refused);
  await expect(resolve(source, { until: { kind: "places", places: new Map([["8", at("1")]]) } })).rejects.toMatchObject(refused);
});

test("each partition is read from its start until the sink is done with it", async () => {
  const source = new ScriptedSource("0", "1");
  source.scripts.set("0", [records(3, 4), caughtUp]);
  source.scripts.set("1", [caughtUp]);
  const { seen, sink } = noting();
  await reader(source).read([range("0", { start: at("3") }), range("1", { start: earliest })], sink, never);
  expect(seen).toEqual([["0", "3", "4"]]);
  expect(source.opened).toEqual([
    { partition: "0", place: at("3"), emptyUntilMs: null, epoch: null },
    { partition: "1", place: earliest, emptyUntilMs: null, epoch: null },
  ]);
  expect(source.cursors.map(({ closed }) => closed)).toEqual([1, 1]);
});

test("the children of an ended shard are those that it names, else those that the topic lists", async () => {
  const source = new ScriptedSource("0", "1");
  source.partitions.push({ partition: "2", parents: ["0"] }, { partition: "3", parents: ["1", "9"] });
  source.scripts.set("0", [{ kind: "ended", children: [{ partition: "named", parents: ["0"] }] }]);
  source.scripts.set("1", [{ kind: "ended", children: [] }]);
  source.failures.push(new StreamError("unavailable", "away"));
  const { seen, sink } = noting();
  await reader(source).read([range("0"), range("1")], sink, never);
  expect(seen.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
    ["ended", "0", ["named"]],
    ["ended", "1", ["3"]],
  ]);
});

test("partitions that came into being since the range was resolved are reported once, without the children of shards", async () => {
  const source = new ScriptedSource("0");
  const over = new AbortController();
  const endless = reader(source);
  const { partitions } = await endless.resolve({ from: earliest, until: null, partitions: null }, never);
  source.partitions.push({ partition: "1", parents: [] }, { partition: "2", parents: ["0"] });
  source.failures.push(new StreamError("unavailable", "away"));
  const { seen, sink } = noting();
  const reading = endless.read(partitions, sink, over.signal);
  await expect.poll(() => seen).toEqual([["appeared", "1"]]);
  source.partitions.push({ partition: "3", parents: [] });
  await expect
    .poll(() => seen)
    .toEqual([
      ["appeared", "1"],
      ["appeared", "3"],
    ]);
  over.abort();
  await reading;
});

test("a topic that cannot be listed any more ends a reading without an end: new partitions would be missing in silence", async () => {
  const source = new ScriptedSource("0");
  source.failures.push(new StreamError("permission-denied", "no"));
  await expect(reader(source).read([range("0", { end: null })], noting().sink, never)).rejects.toMatchObject({ code: "permission-denied" });
  expect(source.cursors.map(({ closed }) => closed)).toEqual([1]);
});

test("when one partition fails or is taken by another client, the reading of the others ends with it", async () => {
  const source = new ScriptedSource("0", "1");
  const failure = new Error("damaged");
  source.scripts.set("1", [failure]);
  await expect(reader(source).read([range("0"), range("1")], noting().sink, never)).rejects.toBe(failure);
  expect(source.cursors.map(({ closed }) => closed)).toEqual([1, 1]);
  source.scripts.set("1", []);
  source.scripts.set("0", []);
  const taken = new ScriptedSource("0");
  taken.scripts.set("0", [{ kind: "taken" }]);
  await expect(reader(taken).read([range("0")], noting().sink, never)).rejects.toMatchObject({ code: "conflict", partition: "0" });
});

test("a gap that the reader does not accept ends the reading with its error", async () => {
  const source = new ScriptedSource("0");
  source.scripts.set("0", [{ kind: "gap", gap: { resumesAt: at("6"), missing: null } }]);
  const refusal = new Error("refused");
  const { sink } = noting({ gap: () => Promise.reject(refusal) });
  await expect(reader(source).read([range("0")], sink, never)).rejects.toBe(refusal);
});

test("an abort and close end the reading, which resolves; close leaves nothing open", async () => {
  const source = new ScriptedSource("0");
  const over = new AbortController();
  const first = reader(source).read([range("0", { end: null })], noting().sink, over.signal);
  over.abort();
  await first;
  const second = reader(source);
  const reading = second.read([range("0", { end: null })], noting().sink, never);
  await second.close();
  expect(source.cursors.map(({ closed }) => closed)).toEqual([1, 1]);
  await reading;
});
