export interface BatchOptions {
  /** @default 500 */
  maxMessages?: number | undefined;
  /** Waits this long to fill a batch. @default 0 */
  maxWaitMs?: number | undefined;
}
