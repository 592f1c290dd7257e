/** One figure against its bars. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly better: "higher" | "lower";
  readonly must: number;
  readonly aim: number;
  readonly pairs: number;
}

/** What `bench --json` prints; other programs parse it. */
export interface BenchResult {
  readonly provider: string;
  /** Median ratio of the same measurement against itself in the same interleaved run; the one furthest from 1. */
  readonly control: number;
  /** The control left its bounds: the machine was not quiet enough to say anything. Never a pass. */
  readonly void: boolean;
  readonly bars: readonly Bar[];
}

const CONTROL_BOUNDS = { least: 0.97, most: 1.03 } as const;

export function isWithinControl(control: number): boolean {
  return control >= CONTROL_BOUNDS.least && control <= CONTROL_BOUNDS.most;
}

export type Verdict = "aim" | "must" | "missed";

export function verdictOf({ value, better, must, aim }: Bar): Verdict {
  const reaches = (bar: number): boolean => (better === "higher" ? value >= bar : value <= bar);
  if (reaches(aim)) return "aim";
  return reaches(must) ? "must" : "missed";
}

/** Of a non-empty list. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of ratios: the one that is furthest from 1. */
export function worstRatio(ratios: readonly number[]): number {
  return ratios.reduce((worst, ratio) => (Math.abs(Math.log(ratio)) > Math.abs(Math.log(worst)) ? ratio : worst), 1);
}

export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
