/** Layout: https://kafka.apache.org/documentation/#recordbatch */
const HEADER_BYTES = 61;
const LENGTH_END = 12;
const MAGIC = 2;

/**
 * Looks only at the headers of batches, so that it also finds a batch whose records cannot be read.
 * @param batches of an answer to a fetch; the last one may be incomplete
 * @param fromOffset the offset that was fetched
 * @returns the first offset, not before `fromOffset`, of the first batch whose latest record is not before `time`, or whose header
 * does not tell; `null` if there is none. And the offset behind the batches before it.
 */
export function firstBatchSince(batches: Buffer, fromOffset: bigint, time: bigint): { found: bigint | null; nextOffset: bigint } {
  let nextOffset = fromOffset;
  let at = 0;
  while (at + HEADER_BYTES <= batches.length) {
    const length = batches.readInt32BE(at + 8);
    const lastOffset = batches.readBigInt64BE(at) + BigInt(batches.readInt32BE(at + 23));
    const isGiven = batches[at + 16] === MAGIC && LENGTH_END + length >= HEADER_BYTES;
    if (!isGiven || batches.readBigInt64BE(at + 35) >= time) {
      const baseOffset = batches.readBigInt64BE(at);
      return { found: isGiven && baseOffset > nextOffset ? baseOffset : nextOffset, nextOffset };
    }
    if (lastOffset >= nextOffset) nextOffset = lastOffset + 1n;
    at += LENGTH_END + length;
  }
  return { found: null, nextOffset };
}
