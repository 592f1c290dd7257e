import { expect, test, vi } from "vitest";
import type { Limits } from "../../../src/capabilities.ts";
import { json } from "../../../src/codec/json.ts";
import type { Failure, HandlerContext } from "../../../src/consume/consumer-types.ts";
import { channels } from "../../../src/diagnostics/channels.ts";
import { StreamError } from "../../../src/errors.ts";
import { type Bench, Gate, assignment, bench, record, records, rejection, turns, until } from "./fake-driver.ts";

vi.mock("node:timers", () => import("../fakeable-timers.ts"));
vi.mock("node:perf_hooks", () => import("../fakeable-timers.ts"));

async function deliver(of: Bench, what: ReturnType<typeof records>) {
  const mine = assignment();
  const sink = await of.sink();
  sink.assigned(mine);
  void sink.deliver(mine, what);
  return mine;
}

const throwing = (thrown: unknown) => (): never => {
  throw thrown;
};
const reject = (_: unknown, fail: (error: unknown) => void): void => fail(new Error("no"));
const refusal = new Proxy({}, { get: (_, name) => (name === "then" ? reject : undefined) });
const unreadable = new Proxy({}, { get: throwing(new Error("no")) });

test.each([
  ["a throw", throwing(new Error("no"))],
  ["a rejection", () => Promise.reject(new Error("no"))],
  ["a thrown string", throwing("no")],
  ["a thrown undefined", throwing(undefined)],
  ["a foreign thenable", () => refusal],
  ["an answer whose then cannot be read", () => unreadable],
] as const)("%s is retried at the head of its key, then stops the run before the message", async (_, fail) => {
  const it = bench();
  const calls: string[] = [];
  const attempts: number[] = [];
  const member = it.consumer({ retry: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1 } });
  const run = rejection(
    member.run((message, context) => {
      calls.push(message.value);
      if (message.value !== "1") return undefined;
      attempts.push(context.attempt);
      return fail();
    }),
  );
  const mine = await deliver(it, records("aaab"));
  const error = await run;
  expect(error).toMatchObject({ code: "handler-failed", retryable: false, topic: "orders", partition: "0" });
  expect(attempts).toEqual([1, 2, 3]);
  expect(calls.filter((value) => value === "2")).toEqual([]);
  expect(it.driver.through(mine)).toBe("0");
  expect(it.driver.closed).toBe(1);
});

test("an answer whose then cannot be read fails a batch, and an attempt that is timed or traced, as well", async () => {
  const nothing = (): void => {};
  const subscribers = { start: nothing, end: nothing, asyncStart: nothing, asyncEnd: nothing, error: nothing };
  for (const [batches, timed, traced] of [[true], [false, true], [false, false, true]]) {
    const it = bench();
    if (traced === true) channels.handle.subscribe(subscribers);
    const member = it.consumer({ onFailure: "skip", ...(timed === true ? { handlerTimeoutMs: 10_000 } : {}) });
    const run = batches === true ? member.runBatches(() => unreadable) : member.run(() => unreadable);
    const mine = await deliver(it, records("ab"));
    await until(() => it.driver.through(mine) === "1");
    await member.close();
    await run;
    if (traced === true) channels.handle.unsubscribe(subscribers);
  }
});

test.each([
  ["a promise that rejects", (): unknown => Promise.reject(new Error("later")), /returned a promise; allowed are true and false/],
  ["a promise of no", (): unknown => Promise.resolve(false), /returned a promise/],
  ["nothing", (): unknown => undefined, /returned undefined/],
  ["a text", (): unknown => "no", /returned a string/],
] as const)("a retryable that returns %s ends the run, and says so", async (_, retryable, words) => {
  const it = bench();
  const retry = { initialDelayMs: 1, retryable: retryable as unknown as () => boolean };
  const attempts: number[] = [];
  const run = rejection(
    it.consumer({ retry, onFailure: "skip" }).run((_message, { attempt }) => {
      attempts.push(attempt);
      throw new Error("no");
    }),
  );
  const mine = await deliver(it, records("a"));
  expect(await run).toMatchObject({ code: "handler-failed", cause: { code: "invalid-argument", message: expect.stringMatching(words) } });
  // A rejection without a handler would fail the test run.
  await turns();
  expect(attempts).toEqual([1]);
  expect(it.driver.through(mine)).toBe(null);
});

test("an error of our codecs about stored bytes is reported, once, also in the dead letter; those of other codecs are not", async () => {
  const it = bench({
    codec: json({ "~standard": { version: 1, vendor: "strict", validate: () => ({ issues: [{ message: "p4y", path: ["fare"] }] }) } }),
  });
  const failures: Failure[] = [];
  const member = it.consumer({
    onFailure: (failure) => {
      failures.push(failure);
      return { deadLetter: "failed" };
    },
  });
  const run = member.run(() => {});
  const mine = await deliver(it, [record(0, "a"), record(1, "a", { value: Buffer.from("bad") })]);
  await until(() => it.driver.through(mine) === "1");
  await member.close();
  await run;
  const words = [
    "the codec cannot decode the stored bytes: the strict schema does not accept the value: 1 issue at fare",
    "the codec cannot decode the stored bytes: the stored value is not JSON (3 bytes)",
  ];
  expect(failures.map(({ error }) => error.message)).toEqual(words);
  const reported = it.sender("failed").sent.map(({ headers }) => headers.find(([name]) => name === "streamport-failure-message")?.[1]);
  expect(reported.map((text) => Buffer.from(text!).toString())).toEqual(words);
  const other = bench();
  const stopped = rejection(other.consumer().run(() => {}));
  await deliver(other, [record(0, "a", { value: Buffer.from("bad") })]);
  expect(await stopped).toMatchObject({
    code: "corrupt",
    message: "the codec cannot decode the stored bytes",
    cause: { message: "not a value" },
  });
});

test("back-off holds the key and releases the permit", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const it = bench();
    const handled: string[] = [];
    let failures = 0;
    const member = it.consumer({ concurrency: 1, retry: { initialDelayMs: 5_000 } });
    const run = member.run(async (message) => {
      if (message.value === "0" && failures++ === 0) throw new Error("once");
      handled.push(message.value);
    });
    void run.catch(() => {});
    const sink = await vi.waitUntil(() => it.driver.sink);
    const mine = assignment();
    sink.assigned(mine);
    void sink.deliver(mine, records("aabb"));
    await turns();
    expect(handled).toEqual(["2", "3"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(handled).toEqual(["2", "3", "0", "1"]);
    const closed = member.close();
    await vi.runAllTimersAsync();
    await closed;
    await run;
  } finally {
    vi.useRealTimers();
  }
});

test("skip counts as handled, and so does what a function says; it gets the undecoded message", async () => {
  const it = bench();
  const failures: Failure[] = [];
  const member = it.consumer({
    retry: { maxAttempts: 2, initialDelayMs: 1 },
    onFailure: async (failure) => {
      failures.push(failure);
      return "skip" as const;
    },
  });
  const run = member.run((message) => {
    if (message.value === "0") throw new Error("never");
  });
  const mine = await deliver(it, [
    ...records("a"),
    record(1, "a", { value: Buffer.from("bad") }),
    record(2, "a", { value: null }),
    record(3, "a"),
  ]);
  await until(() => it.driver.through(mine) === "3");
  await member.close();
  await run;
  expect(failures.map(({ error, attempts }) => [error.code, attempts])).toEqual([
    ["handler-failed", 2],
    ["corrupt", 1],
    ["corrupt", 1],
  ]);
  expect(failures[1]!.message.value).toEqual(Buffer.from("bad"));
  expect(failures[2]!.message.value).toBe(null);
  expect(failures[0]!.error.message).not.toContain("never");
});

test.each([
  [
    "throws",
    () => {
      throw new Error("undecided");
    },
  ],
  ["rejects", () => Promise.reject(new Error("undecided"))],
  ["returns nonsense", () => "retry" as never],
])("an onFailure that %s stops the run, with that as cause", async (_, onFailure) => {
  const it = bench();
  const run = rejection(it.consumer({ retry: { maxAttempts: 1 }, onFailure }).run(() => Promise.reject(new Error("no"))));
  const mine = await deliver(it, records("a"));
  const error = await run;
  expect(error.code).toBe("handler-failed");
  expect(error.cause).toBeInstanceOf(Error);
  expect(it.driver.through(mine)).toBe(null);
});

test("retryable: false gives up at once; the predicate gets what was thrown; one that throws stops", async () => {
  const it = bench();
  const seen: unknown[] = [];
  let calls = 0;
  const thrown = new Error("bad input");
  const run = rejection(
    it
      .consumer({
        retry: {
          retryable: (error) => {
            seen.push(error);
            return false;
          },
        },
      })
      .run(() => {
        calls += 1;
        throw thrown;
      }),
  );
  await deliver(it, records("a"));
  expect((await run).cause).toBe(thrown);
  expect([calls, seen]).toEqual([1, [thrown]]);
  const other = bench();
  const broken = rejection(
    other
      .consumer({
        retry: {
          retryable: () => {
            throw thrown;
          },
        },
      })
      .run(() => Promise.reject(new Error("no"))),
  );
  await deliver(other, records("a"));
  expect(await broken).toMatchObject({ code: "handler-failed", cause: thrown });
});

test("attempts count on where the provider counts deliveries", async () => {
  const it = bench();
  const attempts: number[] = [];
  const run = rejection(
    it.consumer({ retry: { maxAttempts: 4, initialDelayMs: 1 } }).run((_, context) => {
      attempts.push(context.attempt);
      throw new Error("no");
    }),
  );
  await deliver(it, [record(0, "a", { deliveryAttempt: 3 })]);
  expect((await run).message).toContain("attempt 4");
  expect(attempts).toEqual([3, 4]);
});

test("a dead letter is the same message with the failure behind its headers, durable before the original is committed", async () => {
  const it = bench();
  const stored = Promise.withResolvers<void>();
  it.sender("failed").beforeSend = () => stored.promise;
  const member = it.consumer({ retry: { maxAttempts: 1 }, onFailure: { deadLetter: "failed" } });
  const handled: string[] = [];
  const run = member.run((message) => {
    if (message.value === "0") throw new Error("no such airport");
    handled.push(message.value);
  });
  const headers = [
    ["trace", Buffer.from([0xff])],
    ["trace", Buffer.from("2")],
  ] as const;
  const original = record(0, "a", { headers });
  const mine = await deliver(it, [original, record(1, "a"), record(2, "b")]);
  await until(() => handled.includes("2"));
  await turns();
  expect(handled).toEqual(["2"]);
  expect(it.driver.through(mine)).toBe(null);
  stored.resolve();
  await until(() => it.driver.through(mine) === "2");
  await member.close();
  await run;
  const [letter] = it.sender("failed").sent;
  expect(letter).toMatchObject({ key: original.key, value: original.value, timestampMs: null });
  expect(letter!.headers.slice(0, 2)).toEqual(headers);
  const added = Object.fromEntries(letter!.headers.slice(2).map(([name, value]) => [name, Buffer.from(value!).toString()]));
  expect(added).toMatchObject({
    "streamport-failure-code": "handler-failed",
    "streamport-failure-message": "the handler failed (attempt 1): no such airport",
    "streamport-failure-attempts": "1",
    "streamport-failure-topic": "orders",
    "streamport-failure-partition": "0",
    "streamport-failure-group": "billing",
  });
  expect(added["streamport-failure-position"]).toMatch(/^p1\./);
  expect(Number.isNaN(Date.parse(added["streamport-failure-time"]!))).toBe(false);
  expect(it.sender("failed").closed).toBe(1);
});

test.each([
  ["the text is cut first", 520, (names: string[]) => names.length === 8],
  ["nor is a character of it broken", 521, (names: string[]) => names.length === 8],
  ["then all but the code is dropped", 60, (names: string[]) => names.join() === "streamport-failure-code"],
  ["at last the code", 20, (names: string[]) => names.length === 0],
])("failure headers that do not fit: %s", async (_, headerBytes, expected) => {
  const it = bench();
  it.sender("failed").limits.headerBytes = headerBytes;
  const member = it.consumer({ retry: { maxAttempts: 1 }, onFailure: { deadLetter: "failed" } });
  const run = member.run(() => Promise.reject(new Error("ü".repeat(1_000))));
  await deliver(it, records("a"));
  await until(() => it.sender("failed").sent.length === 1);
  const { headers } = it.sender("failed").sent[0]!;
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value!.length, 0);
  expect(size).toBeLessThanOrEqual(headerBytes);
  expect(headers.map(([name]) => name)).toSatisfy(expected);
  for (const [, value] of headers) expect(Buffer.from(value!).toString()).not.toContain("\ufffd");
  await member.close();
  await run;
});

test.each<[string, Partial<Limits>, number, readonly string[]]>([
  ["no header at all", { headerCount: 0 }, 0, []],
  ["room for none beside those of the message", { headerCount: 2 }, 2, []],
  ["room for one", { headerCount: 3 }, 2, ["code"]],
  ["room for two", { headerCount: 4 }, 2, ["code", "message"]],
  ["room for all", { headerCount: 10 }, 2, ["code", "message", "position", "topic", "partition", "group", "attempts", "time"]],
  ["short names", { headerNameBytes: "streamport-failure-group".length }, 2, ["code", "topic", "group", "time"]],
  ["short values", { headerValueBytes: 14 }, 2, ["code", "message", "topic", "partition", "group", "attempts"]],
  ["no value longer than nothing", { headerValueBytes: 0 }, 0, []],
])("failure headers are cut to what the target takes: %s", async (_, limits, count, expected) => {
  const it = bench();
  Object.assign(it.sender("failed").limits, limits);
  const member = it.consumer({ retry: { maxAttempts: 1 }, onFailure: { deadLetter: "failed" } });
  const run = member.run(() => Promise.reject(new Error("ü".repeat(1_000))));
  const headers = Array.from({ length: count }, (__, index) => [`own-${index}`, Buffer.from("1")] as const);
  await deliver(it, [record(0, "a", { headers })]);
  await until(() => it.sender("failed").sent.length === 1);
  const letter = it.sender("failed").sent[0]!;
  expect(letter.headers.slice(0, count)).toEqual(headers);
  const added = letter.headers.slice(count).map(([name, value]) => [name.replace("streamport-failure-", ""), value] as const);
  expect(added.map(([name]) => name)).toEqual(expected);
  for (const [name, value] of added) {
    expect(value!.length).toBeLessThanOrEqual(limits.headerValueBytes ?? Infinity);
    expect(Buffer.from(value!).toString()).not.toContain("\ufffd");
    if (name === "message") expect(value!.length).toBeGreaterThan(0);
  }
  await member.close();
  await run;
});

test("where a target keeps one header of a name, the failure headers replace those of an earlier failure; else they follow them", async () => {
  for (const exactHeaders of [false, true]) {
    const it = bench();
    it.sender("failed").exactHeaders = exactHeaders;
    const member = it.consumer({ retry: { maxAttempts: 1 }, onFailure: { deadLetter: "failed" } });
    const run = member.run(() => Promise.reject(new Error("again")));
    const earlier = [
      ["trace", Buffer.from("1")],
      ["streamport-failure-code", Buffer.from("timeout")],
      ["streamport-failure-time", Buffer.from("long ago")],
    ] as const;
    await deliver(it, [record(0, "a", { headers: earlier })]);
    await until(() => it.sender("failed").sent.length === 1);
    const { headers } = it.sender("failed").sent[0]!;
    expect(headers.slice(0, exactHeaders ? 3 : 1)).toEqual(earlier.slice(0, exactHeaders ? 3 : 1));
    const codes = headers.filter(([name]) => name === "streamport-failure-code").map(([, value]) => Buffer.from(value!).toString());
    expect(codes).toEqual(exactHeaders ? ["timeout", "handler-failed"] : ["handler-failed"]);
    await member.close();
    await run;
  }
});

test("a fixed dead-letter topic is checked before joining; one from a function at its first use", async () => {
  const it = bench();
  it.sender("failed").prepareError = new StreamError("not-found", "no such topic");
  await expect(it.consumer({ onFailure: { deadLetter: "failed" } }).run(() => {})).rejects.toMatchObject({ code: "not-found" });
  expect(it.driver.sink).toBe(null);
  const later = rejection(
    it.consumer({ retry: { maxAttempts: 1 }, onFailure: () => ({ deadLetter: "failed" }) }).run(() => Promise.reject(new Error("no"))),
  );
  const mine = await deliver(it, records("a"));
  expect(await later).toMatchObject({ code: "not-found", partition: "0" });
  expect(it.driver.through(mine)).toBe(null);
});

test("a dead letter that cannot be stored stops the run before the message; the consumed topic is refused", async () => {
  const it = bench();
  it.sender("failed").sendError = new StreamError("permission-denied", "no");
  const run = rejection(
    it.consumer({ retry: { maxAttempts: 1 }, onFailure: { deadLetter: "failed" } }).run(() => Promise.reject(new Error("no"))),
  );
  const mine = await deliver(it, records("a"));
  expect(await run).toMatchObject({ code: "permission-denied", partition: "0" });
  expect(it.driver.through(mine)).toBe(null);
  const narrow = bench();
  narrow.sender("failed").sendError = new StreamError("unsupported", "no repeated headers", { capability: "exactHeaders" });
  const unsupported = rejection(
    narrow.consumer({ retry: { maxAttempts: 1 }, onFailure: { deadLetter: "failed" } }).run(() => Promise.reject(new Error("no"))),
  );
  await deliver(narrow, records("a"));
  expect(await unsupported).toMatchObject({ code: "unsupported", capability: "exactHeaders", partition: "0" });
  const self = bench();
  const own = rejection(
    self.consumer({ retry: { maxAttempts: 1 }, onFailure: () => ({ deadLetter: "orders" }) }).run(() => Promise.reject(new Error("no"))),
  );
  await deliver(self, records("a"));
  expect(await own).toMatchObject({ code: "invalid-argument" });
});

test("stop drains: running handlers finish and count, nothing new starts", async () => {
  const it = bench();
  const gate = new Gate();
  const run = rejection(it.consumer({ concurrency: 2, retry: { maxAttempts: 1 } }).run((message) => gate.enter(message.value)));
  const mine = await deliver(it, records("abc"));
  await until(() => gate.running.length === 2);
  gate.fail("1");
  await turns();
  gate.finish("0");
  expect((await run).code).toBe("handler-failed");
  expect(gate.started).toEqual(["0", "1"]);
  expect(it.driver.through(mine)).toBe("0");
});

test("a time-out aborts, counts as failed, and holds the key until the handler has settled", async () => {
  const it = bench();
  const contexts: HandlerContext[] = [];
  const gate = new Gate();
  const member = it.consumer({ handlerTimeoutMs: 20, concurrency: 2 });
  const run = member.run(async (message, context) => {
    contexts.push(context);
    if (contexts.length === 1) {
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      await gate.enter(message.value);
    }
  });
  const mine = await deliver(it, records("aa"));
  await until(() => gate.running.length === 1);
  expect(contexts[0]!.signal.reason).toMatchObject({ code: "timeout" });
  await turns();
  expect(contexts).toHaveLength(1);
  gate.finish("0");
  await until(() => it.driver.through(mine) === "1");
  expect(contexts.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
  await member.close();
  await run;
});

test("a handler that has not settled after twice the time ends the run at once", async () => {
  const it = bench();
  const run = rejection(it.consumer({ handlerTimeoutMs: 10 }).run(() => new Promise(() => {})));
  const mine = await deliver(it, records("a"));
  expect(await run).toMatchObject({ code: "timeout", partition: "0" });
  expect(it.driver.through(mine)).toBe(null);
});

test("an asynchronous codec keeps the order of a key; its rejection is corrupt", async () => {
  const it = bench({
    codec: {
      encode: (value) => Buffer.from(value),
      decode: async (bytes) => {
        const text = Buffer.from(bytes).toString();
        await new Promise((resolve) => setTimeout(resolve, text === "0" ? 10 : 1));
        if (text === "2") throw new Error("not a value");
        return text;
      },
    },
  });
  const handled: string[] = [];
  const codes: string[] = [];
  const member = it.consumer({
    concurrency: 4,
    onFailure: ({ error }) => {
      codes.push(error.code);
      return "skip";
    },
  });
  const run = member.run((message) => void handled.push(message.value));
  const mine = await deliver(it, records("aaab"));
  await until(() => it.driver.through(mine) === "3");
  expect(handled).toEqual(["3", "0", "1"]);
  expect(codes).toEqual(["corrupt"]);
  await member.close();
  await run;
});
