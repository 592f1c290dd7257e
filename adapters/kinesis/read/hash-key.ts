import { createHash } from "node:crypto";

/** The place of a partition key in the ranges of the shards: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html */
export function hashOf(partitionKey: string | Uint8Array): bigint {
  return BigInt(`0x${createHash("md5").update(partitionKey).digest("hex")}`);
}
