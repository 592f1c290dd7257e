/**
 * In place of `node:timers` and `node:perf_hooks`, whose timers and clock the sources use so that fake timers of applications do not stop
 * them. For tests that move the time of the sources: these are the globals, as they are when they are called.
 *
 *     vi.mock("node:timers", async () => import("../fakeable-timers.ts"));
 */
export function setTimeout(callback: () => void, milliseconds?: number): NodeJS.Timeout {
  return globalThis.setTimeout(() => callback(), milliseconds);
}

export function clearTimeout(timer: NodeJS.Timeout | undefined): void {
  globalThis.clearTimeout(timer);
}

export function setInterval(callback: () => void, milliseconds?: number): NodeJS.Timeout {
  return globalThis.setInterval(() => callback(), milliseconds);
}

export function clearInterval(timer: NodeJS.Timeout | undefined): void {
  globalThis.clearInterval(timer);
}

export function setImmediate(callback: () => void): NodeJS.Immediate {
  return globalThis.setImmediate(callback);
}

export function clearImmediate(immediate: NodeJS.Immediate | undefined): void {
  globalThis.clearImmediate(immediate);
}

export const performance = { now: (): number => globalThis.performance.now() };
