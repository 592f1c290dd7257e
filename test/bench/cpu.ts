/** Collects first, so that no step pays for the garbage of another. Needs `--expose-gc`. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc, as `npm run bench` does");
  globalThis.gc();
}

/**
 * Microseconds of processor time that a step takes, on all threads of the process: the collector's work is its own. Nothing is
 * collected by force before it: that makes V8 shrink its young generation to the size of a process that has just begun, and
 * what is measured then is how it grows again, at several times the cost of a message in a process that has been running.
 */
export async function cpuMicroseconds(step: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await step();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
