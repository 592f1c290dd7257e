/** What the demo found on one provider: the line of `demo --json`, whose names other programs parse. */
export interface DemoRow {
  readonly provider: string;
  readonly messages: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Handled more than once, which at-least-once allows: a member left in the middle. */
  readonly duplicates: number;
  readonly deadLetters: number;
  readonly replayed: number;
  readonly replayExpected: number;
  /** Messages a second, as it came out beside everything else: no benchmark. */
  readonly rates: { readonly publish: number; readonly handle: number; readonly replay: number };
  readonly seconds: number;
}

/** Measures one step. */
export async function timed<Result>(step: () => Promise<Result>): Promise<{ readonly result: Result; readonly seconds: number }> {
  const startedAt = performance.now();
  const result = await step();
  return { result, seconds: (performance.now() - startedAt) / 1_000 };
}

export function perSecond(messages: number, seconds: number): number {
  return Math.round(messages / Math.max(seconds, 0.001));
}
