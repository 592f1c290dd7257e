import { afterEach, expect, test } from "vitest";
import { type RetryEvent, channels } from "../../src/diagnostics/channels.ts";
import { StreamError } from "../../src/errors.ts";
import { type RetriedCall, retriedCall } from "../../src/retried-call.ts";

const retries: RetryEvent[] = [];
const listen = (event: unknown): void => void retries.push(event as RetryEvent);

afterEach(() => {
  channels.retry.unsubscribe(listen);
  retries.length = 0;
});

function call(changes: Partial<RetriedCall> = {}): RetriedCall {
  return {
    provider: "fake",
    operation: "admin.lag",
    topic: "orders",
    signal: new AbortController().signal,
    retryForMs: 30_000,
    toError: (error) => (error instanceof StreamError ? error : new StreamError("internal", "a defect", { cause: error })),
    ...changes,
  };
}

const unavailable = (): StreamError => new StreamError("unavailable", "no connection to a:1 (ECONNREFUSED)");

test("a retryable error is retried, and each retry is published", async () => {
  channels.retry.subscribe(listen);
  let attempts = 0;
  const answer = await retriedCall(call(), async () => {
    attempts += 1;
    if (attempts < 3) throw unavailable();
    return "done";
  });
  expect([answer, attempts]).toEqual(["done", 3]);
  expect(retries).toHaveLength(2);
  expect(retries[0]).toMatchObject({ provider: "fake", operation: "admin.lag", topic: "orders", error: { code: "unavailable" } });
});

test("what cannot succeed later is thrown as it is, at once", async () => {
  const defect = new TypeError("a defect");
  let attempts = 0;
  const calling = retriedCall(call(), async () => {
    attempts += 1;
    throw defect;
  });
  await expect(calling).rejects.toBe(defect);
  expect(attempts).toBe(1);
});

test("when the time is over the last failure is thrown, with how long it was tried", async () => {
  const failure = unavailable();
  await expect(retriedCall(call({ retryForMs: 250 }), async () => Promise.reject(failure))).rejects.toMatchObject({
    code: "unavailable",
    retryable: true,
    message: "no connection to a:1 (ECONNREFUSED); tried again for 250 ms",
    cause: failure,
  });
});

test("an attempt without an answer is cut off when the time is over", async () => {
  let given: AbortSignal | undefined;
  const calling = retriedCall(call({ retryForMs: 50 }), async (signal) => {
    given = signal;
    return new Promise(() => undefined);
  });
  await expect(calling).rejects.toMatchObject({ code: "timeout", retryable: true, message: "no answer within 50 ms" });
  expect(given?.aborted).toBe(true);
});

const after = async (ms: number): Promise<string> => new Promise((resolve) => setTimeout(() => resolve("done"), ms));

test("an attempt that waits for something may take longer than it would be retried, also behind a failure", async () => {
  expect(await retriedCall(call({ retryForMs: 50, attemptMs: 10_000 }), async () => after(200))).toBe("done");
  let attempts = 0;
  const answer = await retriedCall(call({ retryForMs: 300, attemptMs: 10_000 }), async () => {
    attempts += 1;
    return attempts === 1 ? Promise.reject(unavailable()) : after(600);
  });
  expect([answer, attempts]).toEqual(["done", 2]);
});

test("no attempt begins when the time for retries is over, and none takes longer than it may", async () => {
  let attempts = 0;
  const failing = retriedCall(call({ retryForMs: 50, attemptMs: 10_000 }), async () => {
    attempts += 1;
    await after(100);
    throw unavailable();
  });
  await expect(failing).rejects.toMatchObject({ code: "unavailable", message: /tried again for 50 ms/ });
  expect(attempts).toBe(1);
  const hanging = retriedCall(call({ retryForMs: 50, attemptMs: 150 }), async () => new Promise(() => undefined));
  await expect(hanging).rejects.toMatchObject({ code: "timeout", message: "no answer within 150 ms" });
});

test("the caller ends it at any time, with its own reason", async () => {
  for (const attempt of [async () => Promise.reject(unavailable()), async () => new Promise(() => undefined)]) {
    const caller = new AbortController();
    const calling = retriedCall(call({ signal: caller.signal, retryForMs: Infinity }), attempt);
    setTimeout(() => caller.abort("gone"), 20);
    await expect(calling).rejects.toBe("gone");
  }
});

test("with no time to retry, the call is tried once", async () => {
  let attempts = 0;
  const calling = retriedCall(call({ retryForMs: 0 }), async () => {
    attempts += 1;
    throw unavailable();
  });
  await expect(calling).rejects.toMatchObject({ code: "unavailable", message: "no connection to a:1 (ECONNREFUSED)" });
  expect(attempts).toBe(1);
});
