import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { abortable, pause } from "../../../src/adapter-kit/index.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

test("waits leave no listener on a shared signal, for every way in which they end", async () => {
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 30 }, async (_, index) => pause(index % 3, signal)));
  expect(listeners(signal)).toBe(0);
  const failing = Promise.reject(new Error("no"));
  await Promise.allSettled([abortable(Promise.resolve(1), signal), abortable(failing, signal)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(listeners(signal)).toBe(0);
});

test("an abort ends both kinds of wait, also an abort before the wait", async () => {
  const controller = new AbortController();
  const waiting = pause(60_000, controller.signal);
  const working = abortable(new Promise(() => undefined), controller.signal);
  controller.abort(new Error("enough"));
  await waiting;
  await expect(working).rejects.toThrow("enough");
  await pause(60_000, controller.signal);
  await expect(abortable(new Promise(() => undefined), controller.signal)).rejects.toThrow("enough");
  expect(listeners(controller.signal)).toBe(0);
});
