import { setImmediate as nextTurn, setTimeout as later } from "node:timers/promises";

/** After some steps within a turn of the event loop, some turns, or some milliseconds: before, during and after a start. */
export const MOMENTS: readonly (() => Promise<unknown>)[] = [
  ...[0, 1, 2, 3, 5, 8, 13].map((steps) => async () => {
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
  }),
  async () => nextTurn(),
  async () => {
    for (let turn = 0; turn < 4; turn += 1) await nextTurn();
  },
  async () => later(2),
  async () => later(10),
  async () => later(40),
  async () => later(120),
];
