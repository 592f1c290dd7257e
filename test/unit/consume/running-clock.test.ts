import { setTimeout as later } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { RunningClock } from "../../../src/consume/running-clock.ts";

/** A process whose time a test moves. For a shortest time of 800 ms the clock is read every 100 ms. */
function aProcess() {
  const time = { wall: 5_000, cpu: 70 };
  const clock = new RunningClock(800, { wallMs: () => time.wall, cpuMs: () => time.cpu });
  const pass = (wallMs: number, cpuMs: number): number => {
    const before = clock.now();
    time.wall += wallMs;
    time.cpu += cpuMs;
    return clock.now() - before;
  };
  return { clock, pass };
}

test("time between frequent readings counts, computed or waited", () => {
  const { pass } = aProcess();
  expect([pass(100, 0), pass(100, 100), pass(200, 1)]).toEqual([100, 100, 200]);
});

test("a gap in which the process computed counts: something blocked the event loop", () => {
  expect(aProcess().pass(2_000, 1_990)).toBe(1_990);
  // Several threads compute more than there was time for.
  expect(aProcess().pass(2_000, 6_000)).toBe(2_000);
});

test("a gap in which it did not compute hardly counts: it was stopped", () => {
  expect(aProcess().pass(60_000, 3)).toBe(50);
  const { pass } = aProcess();
  const stops = Array.from({ length: 5 }, () => pass(10_000, 1) + pass(100, 0));
  expect(stops.reduce((sum, ms) => sum + ms, 0)).toBe(5 * 150);
});

test("while something is waited for, it reads the clock by itself; then it stops", async () => {
  let readings = 0;
  // A tick has passed at each reading: whether a busy machine gives this process its turns in time is not asked here.
  const clock = new RunningClock(80, { wallMs: () => 10 * (readings += 1), cpuMs: () => 0 });
  let isWaiting = true;
  const before = clock.now();
  const readBefore = readings;
  clock.watch(() => isWaiting);
  let ticks = 0;
  const others = setInterval(() => (ticks += 1), 10);
  await vi.waitUntil(() => ticks >= 20, { timeout: 60_000, interval: 50 });
  clearInterval(others);
  expect(readings - readBefore).toBeGreaterThanOrEqual(ticks - 1);
  expect(clock.now() - before).toBe(10 * (readings - readBefore));
  isWaiting = false;
  await later(30);
  const atTheEnd = readings;
  await later(50);
  expect(readings).toBe(atTheEnd);
});

test("it never counts more than has passed", async () => {
  const clock = new RunningClock(80);
  const before = clock.now();
  const started = performance.now();
  clock.watch(() => true);
  await later(200);
  const ranMs = clock.now() - before;
  clock.stop();
  expect(ranMs).toBeGreaterThan(0);
  expect(ranMs).toBeLessThanOrEqual(performance.now() - started + 1);
});
