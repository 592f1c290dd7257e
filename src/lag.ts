/**
 * How far a group is behind. It counts from the group's position, less what is stored as handled ahead of it, where the provider knows
 * that (`capabilities.handledAhead`). What is handled and not stored yet counts as waiting.
 */
export interface Lag extends LagFigures {
  readonly partitions: readonly ({ readonly partition: string } & LagFigures)[];
}

/** `null` where the provider does not report it (`capabilities.lagInMessages`, `.lagInTime`), or not yet. */
export interface LagFigures {
  readonly messages: number | null;
  /** Age of the oldest message not yet handled. */
  readonly timeMs: number | null;
}
