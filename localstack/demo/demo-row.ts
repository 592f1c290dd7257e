/** The result of the demo on one provider: the line of `demo --json`. Other programs parse its names. */
export interface DemoRow {
  readonly provider: string;
  readonly messages: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Flights that were handled more than once, which at-least-once allows when a member leaves. */
  readonly duplicates: number;
  readonly deadLetters: number;
  readonly replayed: number;
  readonly replayExpected: number;
  /** Messages per second, measured while the demo compares everything: this is no benchmark. */
  readonly rates: { readonly publish: number; readonly handle: number; readonly replay: number };
  readonly seconds: number;
}

/** Runs one step and measures its time. */
export async function timed<Result>(step: () => Promise<Result>): Promise<{ readonly result: Result; readonly seconds: number }> {
  const startedAt = performance.now();
  const result = await step();
  return { result, seconds: (performance.now() - startedAt) / 1_000 };
}

export function perSecond(messages: number, seconds: number): number {
  return Math.round(messages / Math.max(seconds, 0.001));
}
