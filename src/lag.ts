export interface Lag extends LagFigures {
  readonly partitions: readonly ({ readonly partition: string } & LagFigures)[];
}

/** `null` where the provider does not report it (`capabilities.lagInMessages`, `.lagInTime`), or not yet. */
export interface LagFigures {
  readonly messages: number | null;
  /** Age of the oldest message not yet handled. */
  readonly timeMs: number | null;
}
