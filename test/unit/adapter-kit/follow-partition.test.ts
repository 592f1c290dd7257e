import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { type PartitionHandler, followPartition, groupHandler, readerHandler } from "../../../src/adapter-kit/index.ts";
import type { Assignment, DriverGap, ReaderSink, Sink, UnreadableRange } from "../../../src/driver/index.ts";
import { ScriptedCursor, caughtUp, record, records } from "./scripted-source.ts";

const never = new AbortController().signal;
const range: UnreadableRange = { first: "3", last: "4", reason: "damaged", cause: undefined };
const gap: DriverGap = { resumesAt: { kind: "at", position: "9" }, missing: 5 };
const child = { partition: "2", parents: ["1"] };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Notes what it gets. `answers` end the reading with `false`. */
function noting(more: Partial<PartitionHandler> = {}) {
  const seen: unknown[] = [];
  const handler: PartitionHandler = {
    deliver: async (delivered) => (seen.push(delivered.map(({ position }) => position).join()), true),
    unreadable: async ({ first }) => (seen.push(`unreadable ${first}`), true),
    advanced: (through) => (seen.push(`advanced ${through}`), true),
    caughtUp: (emptyUntilMs) => (seen.push(`caught up ${emptyUntilMs}`), true),
    gap: async ({ missing }) => (seen.push(`gap ${missing}`), true),
    ended: (children) => void seen.push(children),
    ...more,
  };
  return { seen, handler };
}

test("everything that is found is passed on in order, until the shard has ended", async () => {
  const cursor = new ScriptedCursor([
    records(0, 1),
    { kind: "gap", gap },
    records(2),
    { kind: "unreadable", range },
    { kind: "advanced", through: "5" },
    { kind: "caught-up", emptyUntilMs: 77 },
    { kind: "ended", children: [child] },
  ]);
  const { seen, handler } = noting();
  await expect(followPartition(cursor, handler, never)).resolves.toBe("ended");
  expect(seen).toEqual(["0,1", "gap 5", "2", "unreadable 3", "advanced 5", "caught up 77", [child]]);
  expect([cursor.closed, cursor.mostAtOnce, cursor.fetches]).toEqual([1, 1, 7]);
});

test.each([
  [true, 2],
  [false, 1],
])("while a portion is delivered, one more is fetched and not two (ahead: %s)", async (fetchesAhead, fetches) => {
  const cursor = new ScriptedCursor([records(0), records(1), records(2), { kind: "ended", children: [] }]);
  const room = Promise.withResolvers<boolean>();
  const { seen, handler } = noting({ deliver: () => room.promise });
  const following = followPartition(cursor, handler, never, fetchesAhead);
  for (let turns = 0; turns < 5; turns += 1) await turn();
  expect(cursor.fetches).toBe(fetches);
  room.resolve(true);
  await expect(following).resolves.toBe("ended");
  expect(seen).toEqual([[]]);
});

test("nothing is fetched behind a gap before it is accepted", async () => {
  const cursor = new ScriptedCursor([{ kind: "gap", gap }, records(9)]);
  const { seen, handler } = noting({ gap: async () => false });
  await expect(followPartition(cursor, handler, never)).resolves.toBe("stopped");
  expect([cursor.fetches, cursor.closed, seen]).toEqual([1, 1, []]);
});

test.each(["deliver", "advanced", "caughtUp", "unreadable"] as const)("the answer false of %s ends the reading", async (method) => {
  const cursor = new ScriptedCursor([records(0), { kind: "advanced", through: "1" }, caughtUp, { kind: "unreadable", range }]);
  const { handler } = noting({ [method]: () => (method === "deliver" || method === "unreadable" ? Promise.resolve(false) : false) });
  await expect(followPartition(cursor, handler, never)).resolves.toBe("stopped");
  expect([cursor.closed, cursor.atOnce]).toEqual([1, 0]);
});

test("an abort ends the reading at once, also while the handler has no room, and what was fetched ahead is dropped", async () => {
  const cursor = new ScriptedCursor([records(0), records(1)]);
  const abort = new AbortController();
  const { seen, handler } = noting({ deliver: () => new Promise(() => undefined) });
  const following = followPartition(cursor, handler, abort.signal);
  await turn();
  abort.abort();
  await expect(following).resolves.toBe("stopped");
  expect([seen, cursor.closed]).toEqual([[], 1]);
});

test("an error of a fetch ahead comes after what was fetched before it; an error after an abort is none", async () => {
  const failure = new Error("no such stream");
  const cursor = new ScriptedCursor([records(0), failure]);
  const { seen, handler } = noting({ deliver: async () => (await turn(), seen.push("delivered"), true) });
  await expect(followPartition(cursor, handler, never)).rejects.toBe(failure);
  expect([seen, cursor.closed]).toEqual([["delivered"], 1]);
  await expect(followPartition(new ScriptedCursor([failure]), handler, AbortSignal.abort())).resolves.toBe("stopped");
});

test("a partition that another client has taken ends the reading, and the handler is not asked", async () => {
  const cursor = new ScriptedCursor([{ kind: "taken" }]);
  const { seen, handler } = noting();
  await expect(followPartition(cursor, handler, never)).resolves.toBe("taken");
  expect([seen, cursor.closed]).toEqual([[], 1]);
});

test("a group's handler passes everything on with its assignment, and nothing once the ownership is over", async () => {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...given: unknown[]) =>
      void calls.push([name, ...given]);
  const sink = Object.fromEntries(["deliver", "unreadable", "advanced", "caughtUp", "gap", "ended"].map((name) => [name, note(name)]));
  const assignment = { partition: "1" } as Assignment;
  const over = new AbortController();
  const handler = groupHandler(sink as unknown as Sink, assignment, over.signal);
  const all = async (): Promise<unknown[]> => {
    const answers = [await handler.deliver([record(1)]), await handler.unreadable(range), handler.advanced("5"), handler.caughtUp(null)];
    handler.ended([child]);
    return [...answers, await handler.gap(gap)];
  };
  expect(await all()).toEqual([true, true, true, true, true]);
  expect(calls).toEqual([
    ["deliver", assignment, [record(1)]],
    ["unreadable", assignment, range],
    ["advanced", assignment, "5"],
    ["caughtUp", assignment],
    ["ended", assignment, [child]],
    ["gap", assignment, gap],
  ]);
  over.abort();
  expect(await all()).toEqual([false, false, false, false, false]);
  expect(calls).toHaveLength(6);
});

test("a gap that a group does not accept ends the reading without an error; one that a reader does not accept with it", async () => {
  const refusal = new Error("refused");
  const refusing = { gap: () => Promise.reject(refusal) };
  await expect(groupHandler(refusing as unknown as Sink, {} as Assignment, never).gap(gap)).resolves.toBe(false);
  await expect(readerHandler(refusing as unknown as ReaderSink, "1").gap(gap)).rejects.toBe(refusal);
});

test("the signal of the ownership has one listener while the partition is followed, and none afterwards", async () => {
  const { signal } = new AbortController();
  const listeners: number[] = [];
  const { handler } = noting({ caughtUp: () => (listeners.push(getEventListeners(signal, "abort").length), true) });
  const quiet = Array.from({ length: 5 }, () => ({ kind: "caught-up" as const, emptyUntilMs: null }));
  await followPartition(new ScriptedCursor([...quiet, { kind: "ended", children: [] }]), handler, signal);
  expect(listeners).toEqual([1, 1, 1, 1, 1]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
