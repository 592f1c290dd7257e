/** How quick a target is. */
export interface Pace {
  /** How long one call takes: 0 where it is not known. */
  readonly callMs: number;
}

/** Of a run that has not measured its target. */
export const UNKNOWN_PACE: Pace = { callMs: 0 };

/** @returns `durationMs`, or as long as so many calls of a slow target take. Thus it only stretches: a quick target gets no more time. */
export function longEnough(durationMs: number, calls: number, { callMs }: Pace): number {
  return Math.max(durationMs, Math.ceil(calls * callMs));
}
