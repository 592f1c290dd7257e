import type { FetchedPartition } from "../../../../adapters/kafka/client/kafka-client.ts";

/** The header of a batch of one record. Its records are not there. */
export function batchHeader(offset: bigint, timestamp: bigint): Buffer {
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(offset, 0);
  header.writeInt32BE(header.length - 12, 8);
  header[16] = 2;
  header.writeBigInt64BE(timestamp, 35);
  return header;
}

export function fetchedBatches(partition: number, batches: Buffer, errorCode = 0): FetchedPartition {
  const ends = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n };
  return { partition, errorCode, ...ends, divergingEpoch: null, abortedTransactions: [], batches };
}
