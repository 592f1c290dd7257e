/** Collects first, so that no step pays for the garbage of another. Needs `--expose-gc`. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc, as `npm run bench` does");
  globalThis.gc();
}

/** Microseconds of processor time that a step takes, on all threads of the process: the collector's work is its own. */
export async function cpuMicroseconds(step: () => Promise<void>): Promise<number> {
  collectGarbage();
  const before = process.cpuUsage();
  await step();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
