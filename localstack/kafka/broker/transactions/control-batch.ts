import { CONTROL_ATTRIBUTES, RecordBatch, writeBatch } from "../log/record-batch.ts";

const ABORT = 0;
const COMMIT = 1;
/** Lengths in a record are zigzag numbers: even for values that are not negative. */
const zigzag = (length: number): number => length * 2;

/** The marker at the end of a transaction in one partition. */
export function controlBatch(producerId: bigint, producerEpoch: number, isCommitted: boolean, nowMs: number): RecordBatch {
  // Version 0 and the type of the marker.
  const key = [0, 0, 0, isCommitted ? COMMIT : ABORT];
  // Version 0 and the epoch of the coordinator, which never changes.
  const value = [0, 0, 0, 0, 0, 0];
  // Attributes, deltas of time and offset, and the number of headers are all 0.
  const record = [0, 0, 0, zigzag(key.length), ...key, zigzag(value.length), ...value, 0];
  const header = {
    baseOffset: 0n,
    leaderEpoch: 0,
    attributes: CONTROL_ATTRIBUTES,
    lastOffsetDelta: 0,
    baseTimestamp: BigInt(nowMs),
    maxTimestamp: BigInt(nowMs),
    producerId,
    producerEpoch,
    baseSequence: -1,
    count: 1,
  };
  return new RecordBatch(writeBatch(header, Uint8Array.from([zigzag(record.length), ...record])));
}
