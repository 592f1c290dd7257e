import { getEventListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import type { ConsumerOptions } from "../../../src/consume/consumer-types.ts";
import { type HandleEvent, channels } from "../../../src/diagnostics/channels.ts";
import { sealBookmark } from "../../../src/position/position.ts";
import { StreamError } from "../../../src/errors.ts";
import { Gate, IDENTITY, assignment, bench, record, records, rejection, turns, until } from "./fake-driver.ts";

test.each([
  [{ group: undefined }],
  [{ group: "" }],
  [{ concurency: 2 }],
  [{ concurrency: 0 }],
  [{ maxAhead: 1.5 }],
  [{ order: "keys" }],
  [{ retry: { attempts: 2 } }],
  [{ retry: { maxAttempts: "2" } }],
  [{ onFailure: "ignore" }],
  [{ onFailure: { deadLetter: "orders" } }],
  [{ onFailure: { deadLetter: "orders-by-another-name" } }],
  [{ onFailure: { deadLetter: "no topic" } }],
  [{ onFailure: { deadLetter: "failed", also: 1 } }],
  [{ handlerTimeoutMs: 0 }],
  [{ batch: { maxMessages: 0 } }],
  [{ commit: { everyMs: -1 } }],
  [{ onGap: true }],
])("refuses %j as invalid-argument, at once", (options) => {
  expect(() => bench().consumer(options as unknown as ConsumerOptions)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});

test.each<[unknown, RegExp]>([
  [
    "middle",
    /^consumer options: initialPosition must be one of "earliest", "latest", "fail", { timestamp }, { bookmark }; received a string/,
  ],
  [null, /received null$/],
  [{}, /received an object without any of them$/],
  [{ timestamp: 1, bookmark: "b" }, /received 2 properties: "timestamp", "bookmark"$/],
  [{ at: "p1.x" }, /"fail", { timestamp }, { bookmark }; received an object with "at"$/],
  [{ timestamp: new Date(NaN) }, /^consumer options: initialPosition: timestamp must be a valid Date/],
  [{ bookmark: 7 }, /^consumer options: initialPosition: bookmark must be a string that streamport handed out; received 7$/],
  [{ bookmark: "no bookmark" }, /bookmark/],
])("refuses the initial position %j as invalid-argument, at once, and says what is allowed", (initialPosition, message) => {
  expect(() => bench().consumer({ initialPosition } as unknown as ConsumerOptions)).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(message) }),
  );
});

test("an option that the provider cannot honour is unsupported, at once", async () => {
  const it = bench({ without: ["startAtTimestamp", "startAtPosition", "lagInMessages", "lagInTime"] });
  expect(() => it.consumer({ initialPosition: { timestamp: 1 } })).toThrow(expect.objectContaining({ code: "unsupported" }));
  expect(() => it.consumer({ skipMigrated: true })).toThrow(expect.objectContaining({ code: "unsupported" }));
  await expect(it.consumer({ skipMigrated: false }).lag()).rejects.toMatchObject({ code: "unsupported" });
});

test.each(["run", "runBatches", "iteration"])(
  "what a topic cannot do reaches the application as the driver has said it: %s",
  async (use) => {
    const it = bench();
    const cause = new Error("FAILED_PRECONDITION");
    const refusal = new StreamError("unsupported", "this topic keeps no messages; set its retention", {
      capability: "startAtTimestamp",
      cause,
    });
    let starts = 0;
    it.driver.onStart = async () => {
      starts += 1;
      throw refusal;
    };
    const consumer = it.consumer({ initialPosition: { timestamp: 1 }, retry: undefined, concurrency: undefined });
    const used: Promise<unknown> =
      use === "run"
        ? consumer.run(() => {})
        : use === "runBatches"
          ? consumer.runBatches(() => {})
          : consumer[Symbol.asyncIterator]().next();
    const { code, capability, message, retryable } = refusal;
    const expected = { code, capability, message, retryable, cause, provider: "fake", topic: "orders", operation: "consume" };
    expect(await rejection(used)).toMatchObject(expected);
    expect(starts).toBe(1);
    expect(consumer.status().state).toBe("failed");
  },
);

test("the initial position reaches the driver in its own words; a foreign bookmark is position-mismatch", async () => {
  const bookmark = (topic: string): string => sealBookmark(["fake", IDENTITY.cluster, topic, IDENTITY.incarnation, [["0", ">", "7"]]]);
  for (const [initialPosition, expected] of [
    [undefined, { kind: "earliest" }],
    ["fail", "fail"],
    [{ timestamp: new Date(5) }, { kind: "timestamp", timestampMs: 5 }],
    [{ bookmark: bookmark("orders") }, { kind: "places", places: new Map([["0", { kind: "after", position: "7" }]]) }],
  ] as const) {
    const it = bench();
    const member = it.consumer({ initialPosition });
    const run = member.run(() => {});
    await it.sink();
    expect(it.driver.settings).toMatchObject({ group: "billing", initialPosition: expected, sessionTimeoutMs: 30_000 });
    await member.close();
    await run;
  }
  const foreign = bench().consumer({ initialPosition: { bookmark: bookmark("payments") } });
  await expect(foreign.run(() => {})).rejects.toMatchObject({ code: "position-mismatch" });
});

test("one use, once: the second is conflict and says which was the first", async () => {
  const it = bench();
  const member = it.consumer({ retry: undefined });
  const run = member.run(() => {});
  await expect(member.runBatches(() => {})).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("used by run") });
  expect(() => member[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "conflict" }));
  await member.close();
  await run;
  await expect(member.run(() => {})).rejects.toMatchObject({ code: "conflict" });
});

test("close before run: run rejects as closed and opens nothing; close is idempotent", async () => {
  const it = bench();
  const member = it.consumer();
  expect(member.status()).toMatchObject({ state: "idle", oldest: null });
  await member.close();
  await member.close();
  await expect(member.run(() => {})).rejects.toMatchObject({ code: "closed" });
  expect([it.driver.sink, member.status().state]).toEqual([null, "closed"]);
});

test("close while joining aborts the start; run resolves", async () => {
  const it = bench();
  it.driver.onStart = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const member = it.consumer();
  const run = member.run(() => {});
  await it.sink();
  expect(member.status().state).toBe("joining");
  await member.close();
  await run;
  expect(it.driver.closed).toBe(1);
});

test("close waits for running handlers, commits and leaves; nothing new starts", async () => {
  const it = bench();
  const gate = new Gate();
  const revoked: string[] = [];
  const member = it.consumer({ commit: { everyMs: 60_000 }, onRevoked: (partitions) => void revoked.push(...partitions) });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  const sink = await it.sink();
  sink.assigned(mine);
  void sink.deliver(mine, records("ab"));
  await until(() => gate.running.length === 1);
  const closed = member.close();
  await turns();
  expect([member.status().state, it.driver.closed]).toEqual(["draining", 0]);
  gate.finish("0");
  await Promise.all([closed, run, member.close()]);
  expect(gate.started).toEqual(["0"]);
  expect(it.driver.through(mine)).toBe("0");
  expect([it.driver.closed, it.tracked.size, revoked]).toEqual([1, 0, ["0"]]);
});

test("close ends by its time-out when a handler never settles or awaits it, and aborts it as closed", async () => {
  for (const awaits of [true, false]) {
    const it = bench();
    const member = it.consumer();
    let reason: unknown;
    const run = member.run(async (_, { signal }) => {
      signal.addEventListener("abort", () => (reason = signal.reason));
      await (awaits ? member.close({ timeoutMs: 20 }) : new Promise(() => {}));
    });
    const mine = assignment();
    (await it.sink()).assigned(mine);
    void (await it.sink()).deliver(mine, records("ab"));
    await member.close({ timeoutMs: 20 });
    await run;
    expect(reason).toMatchObject({ code: "closed" });
    expect(it.driver.settlements).toEqual([]);
  }
});

test("close ends though settling hangs", async () => {
  const it = bench();
  it.driver.onSettle = () => new Promise(() => {});
  const member = it.consumer();
  const run = member.run(() => {});
  const mine = assignment();
  (await it.sink()).assigned(mine);
  void (await it.sink()).deliver(mine, records("a"));
  await member.close({ timeoutMs: 1 });
  await run;
});

test("close stores what is refused at first, as long as its time lasts", async () => {
  const it = bench();
  const member = it.consumer({ commit: { everyMs: 60_000 } });
  const run = member.run(() => {});
  const mine = assignment();
  const sink = await it.sink();
  sink.assigned(mine);
  void sink.deliver(mine, records("a"));
  await turns();
  const refusedUntilMs = performance.now() + 1_900;
  it.driver.onSettle = async () => {
    if (performance.now() < refusedUntilMs) throw new StreamError("throttled", "later");
  };
  await member.close({ timeoutMs: 2_000 });
  await run;
  expect(it.driver.through(mine)).toBe("0");
});

test("a handler may close its own consumer without awaiting it", async () => {
  const it = bench();
  const member = it.consumer();
  const handled: string[] = [];
  const run = member.run((message) => {
    handled.push(message.value);
    if (message.value === "1") void member.close();
  });
  const mine = assignment();
  (await it.sink()).assigned(mine);
  void (await it.sink()).deliver(mine, records("abc"));
  await run;
  expect(handled).toEqual(["0", "1"]);
  expect(it.driver.through(mine)).toBe("1");
});

test("pause starts nothing, resume goes on; the status names the oldest message", async () => {
  const it = bench();
  const handled: string[] = [];
  const member = it.consumer();
  member.pause();
  const run = member.run((message) => void handled.push(message.value));
  const mine = assignment();
  (await it.sink()).assigned(mine);
  void (await it.sink()).deliver(mine, records("ab"));
  await turns();
  expect(handled).toEqual([]);
  expect(member.status()).toMatchObject({ state: "paused", buffered: 2, running: 0, oldest: { partition: "0", attempts: 0 } });
  member.resume();
  await until(() => member.status().lastCommit !== null);
  expect([handled, member.status().oldest]).toEqual([["0", "1"], null]);
  await member.close();
  await run;
});

test("a member that has failed and owns nothing has the lag of all partitions, never 0", async () => {
  const requests: unknown[] = [];
  const admin = {
    lag: async (...[, , request]: readonly unknown[]) => {
      requests.push(request);
      return { messages: 7, timeMs: 20, partitions: [] };
    },
  };
  const it = bench({ driver: { admin: admin as never } });
  const member = it.consumer();
  const run = member.run(() => {});
  const sink = await it.sink();
  sink.joined();
  await until(() => member.status().state === "running");
  await member.lag();
  sink.failed(new StreamError("position-out-of-range", "behind the end"));
  await expect(run).rejects.toMatchObject({ code: "position-out-of-range" });
  await member.lag();
  expect(requests).toMatchObject([{ partitions: [] }, { partitions: null }]);
});

test("a synchronous handler leaves the event loop free", async () => {
  const it = bench();
  const member = it.consumer();
  let handled = 0;
  const run = member.run(() => void (handled += 1));
  const mine = assignment();
  const sink = await it.sink();
  sink.assigned(mine);
  let turnsOfLoop = 0;
  const feed = (async () => {
    for (let batch = 0; batch < 50; batch += 1) await sink.deliver(mine, records("abcdefghij".repeat(20), batch * 200));
  })();
  const count = (): void => {
    turnsOfLoop += 1;
    if (handled < 10_000) setImmediate(count);
  };
  setImmediate(count);
  await feed;
  await until(() => handled === 10_000);
  expect(turnsOfLoop).toBeGreaterThanOrEqual(9);
  await member.close();
  await run;
});

test("lag is that of this member's partitions; that of all partitions until the group has assigned its share", async () => {
  const requests: unknown[] = [];
  const lag = { messages: 7, timeMs: 20, partitions: [] };
  const admin = {
    lag: async (...[, , request]: readonly unknown[]) => {
      requests.push(request);
      return lag;
    },
  };
  const it = bench({ driver: { admin: admin as never } });
  const member = it.consumer({ initialPosition: "latest" });
  expect(await member.lag()).toBe(lag);
  const run = member.run(() => {});
  for (const partition of ["0", "1"]) (await it.sink()).assigned(assignment(partition));
  const { signal } = new AbortController();
  expect(await member.lag({ signal })).toBe(lag);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await it.consumer({ initialPosition: "fail" }).lag();
  const initialPosition = { kind: "latest" };
  expect(requests).toEqual([
    { partitions: null, initialPosition },
    { partitions: ["0", "1"], initialPosition },
    { partitions: null, initialPosition: null },
  ]);
  await member.close();
  await run;
});

test("iteration: asking for the next says the last is handled; leaving the loop does not", async () => {
  const it = bench();
  const member = it.consumer({ retry: undefined, onFailure: "skip" });
  const seen: string[] = [];
  const mine = assignment();
  const push = async (): Promise<void> => {
    const sink = await it.sink();
    sink.assigned(mine);
    void sink.deliver(mine, [...records("ab"), record(2, "a", { value: Buffer.from("bad") }), ...records("ab", 3)]);
  };
  void push();
  for await (const message of member) {
    seen.push(message.value);
    await turns();
    if (message.value === "3") break;
  }
  expect(seen).toEqual(["0", "1", "4", "3"]);
  expect(it.driver.through(mine)).toBe("2");
  expect([it.driver.closed, member.status().state]).toEqual([1, "closed"]);
});

test("iteration refuses options that it cannot honour, rejects with the error that ended it, and ends when closed", async () => {
  for (const options of [{ concurrency: 1 }, { retry: {} }, { batch: {} }, { handlerTimeoutMs: 5 }]) {
    const refused = bench().consumer({ retry: undefined, ...options });
    expect(() => refused[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  }
  const it = bench();
  const iterator = it.consumer({ retry: undefined })[Symbol.asyncIterator]();
  const next = rejection(iterator.next());
  const mine = assignment();
  (await it.sink()).assigned(mine);
  void (await it.sink()).deliver(mine, [record(0, "a", { value: Buffer.from("bad") })]);
  expect((await next).code).toBe("corrupt");
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  const other = bench();
  const consumer = other.consumer({ retry: undefined });
  const waiting = consumer[Symbol.asyncIterator]().next();
  await other.sink();
  await consumer.close();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test("diagnostics: the context of the tracing channel is active in the handler, and events carry no payload", async () => {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  const storage = new AsyncLocalStorage<string>();
  const events: [string, unknown][] = [];
  channels.handle.start.bindStore(storage, () => "traced");
  const subscribers = {
    start: () => {},
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => void events.push(["asyncEnd", null]),
    error: (event: { error?: unknown }) => void events.push(["error", event.error]),
  };
  channels.handle.subscribe(subscribers);
  const commit = (event: unknown): void => void events.push(["commit", event]);
  channels.commit.subscribe(commit);
  try {
    const it = bench();
    const stores: unknown[] = [];
    const member = it.consumer();
    const thrown = new Error("once");
    const run = member.run(async (_, { attempt }) => {
      stores.push(storage.getStore());
      await turns(1);
      stores.push(storage.getStore());
      if (attempt === 1) throw thrown;
    });
    const mine = assignment();
    (await it.sink()).assigned(mine);
    void (await it.sink()).deliver(mine, records("secret".slice(0, 1)));
    await until(() => it.driver.through(mine) === "0");
    await member.close();
    await run;
    expect(stores).toEqual(["traced", "traced", "traced", "traced"]);
    expect(events.map(([kind]) => kind)).toEqual(["error", "asyncEnd", "asyncEnd", "commit"]);
    expect(events[0]![1]).toBe(thrown);
    expect(events[3]![1]).toMatchObject({ provider: "fake", topic: "orders", group: "billing", partition: "0", error: null });
  } finally {
    channels.handle.unsubscribe(subscribers);
    channels.handle.start.unbindStore(storage);
    channels.commit.unsubscribe(commit);
  }
});

test("diagnostics: what handlers publish, synchronous and not, with partition, position and time of the first message", async () => {
  const events: [string, HandleEvent][] = [];
  const steps = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;
  const take = (step: string) => (event: unknown) => void events.push([step, event as HandleEvent]);
  const subscribers = Object.fromEntries(steps.map((step) => [step, take(step)])) as Record<(typeof steps)[number], () => void>;
  channels.handle.subscribe(subscribers);
  try {
    const it = bench();
    const member = it.consumer();
    const positions: Record<string, string> = {};
    const run = member.run((message, { attempt }) => {
      positions[message.value] = message.position;
      if (message.value === "1" && attempt === 1) throw new Error("once");
      return message.value === "2" ? turns(1) : undefined;
    });
    const mine = assignment("7");
    (await it.sink()).assigned(mine);
    void (await it.sink()).deliver(mine, records("aaa"));
    await until(() => it.driver.through(mine) === "2");
    await member.close();
    await run;
    expect(events.map(([step]) => step)).toEqual([
      ...["start", "end"],
      ...["start", "error", "end"],
      ...["start", "end"],
      ...["start", "end", "asyncStart", "asyncEnd"],
    ]);
    const starts = events.filter(([step]) => step === "start").map(([, event]) => event);
    expect(starts.map(({ position }) => position)).toEqual(["0", "1", "1", "2"].map((value) => positions[value]));
    expect(starts[0]).toMatchObject({ partition: "7", timestamp: expect.any(Date), messages: 1, attempt: 1 });
    expect({ ...starts[0] }.position).toBe(positions["0"]);
  } finally {
    channels.handle.unsubscribe(subscribers);
  }
});

test("is joining until the group has assigned its share, which may be empty, and again while it has no contact", async () => {
  const it = bench();
  it.driver.reportsJoined = false;
  const member = it.consumer();
  const run = member.run(() => {});
  const sink = await it.sink();
  await turns(2);
  const states = [member.status().state];
  const step = (report: () => void): void => {
    report();
    states.push(member.status().state);
  };
  step(() => sink.assigned(assignment("0")));
  step(() => sink.joined());
  step(() => sink.rejoining());
  step(() => member.pause());
  step(() => sink.joined());
  step(() => member.resume());
  expect(states).toEqual(["joining", "joining", "running", "joining", "joining", "paused", "running"]);
  expect(member.assigned).toEqual(["0"]);
  await member.close();
  sink.rejoining();
  expect(member.status().state).toBe("closed");
  await run;

  const idle = bench();
  const surplus = idle.consumer();
  const runs = surplus.run(() => {});
  await idle.sink();
  await until(() => surplus.status().state === "running");
  expect(surplus.assigned).toEqual([]);
  await surplus.close();
  await runs;
});
