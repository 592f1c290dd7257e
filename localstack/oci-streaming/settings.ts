/** How the emulated service differs from the real one, for tests. Where nothing is said, the defaults are the vendor's figures. */
export interface StreamingSettings {
  /** `GetMessages` calls of a group on a partition; all cursors without a group count as one group. @default 5 */
  readonly getsPerSecond: number;
  /** Keys and values that a partition takes. @default 1_048_576 */
  readonly bytesPerSecond: number;
  /** @default 300_000 */
  readonly cursorLifetimeMs: number;
  /** How long a stream is CREATING, UPDATING or DELETING. @default 20 */
  readonly lifecycleMs: number;
  /** Most messages of an answer, whatever `limit` says. @default 10_000 */
  readonly pageMessages: number;
  /** Most bytes of an answer: keys and values. A larger message comes alone. @default 1_048_576 */
  readonly pageBytes: number;
  /** Of all streams together. @default Infinity: the vendor raises it on request */
  readonly partitionLimit: number;
  /** The offset of the first message of each partition. @default 0n */
  readonly firstOffset: bigint;
  /** Whether offsets are left out between messages. @default false */
  readonly offsetGaps: boolean;
  /** Whether a second active stream of the same name in a pool is refused. @default true */
  readonly uniqueNames: boolean;
  /** Each answer comes so much later. @default 0 */
  readonly latencyMs: number;
  /** So many of the entries of `PutMessages` are throttled, from 0 to 1, evenly. @default 0 */
  readonly throttledShare: number;
  /**
   * Of the throw-away key. To sign is much of the work of a client. The vendor takes no key of less than 2,048 bits; one of 1,024 signs in a quarter of the
   * time, one of 512 in a tenth, but some clients refuse it. @default 1_024
   */
  readonly keyBits: number;
  /** How far the clock of the service is ahead of this machine; negative: behind. @default 0 */
  readonly clockAheadMs: number;
}

const MEBIBYTE = 1_048_576;

export const DEFAULT_SETTINGS: StreamingSettings = {
  // https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm
  getsPerSecond: 5,
  bytesPerSecond: MEBIBYTE,
  // https://docs.oracle.com/iaas/api/#/en/streaming/20180418/Cursor/CreateCursor
  cursorLifetimeMs: 300_000,
  lifecycleMs: 20,
  pageMessages: 10_000,
  pageBytes: MEBIBYTE,
  partitionLimit: Infinity,
  firstOffset: 0n,
  offsetGaps: false,
  uniqueNames: true,
  latencyMs: 0,
  throttledShare: 0,
  keyBits: 1_024,
  clockAheadMs: 0,
};
