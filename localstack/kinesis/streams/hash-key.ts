import { hash } from "node:crypto";

/** Hash keys are 128 bits. Here they are 32 hexadecimal digits, which compare like the numbers; the API shows decimal ones. */
const DIGITS = 32;
/** How many hash keys there are. */
export const HASH_KEYS = 1n << 128n;

/** Where a partition key belongs: the MD5 of its UTF-8 bytes. */
export function hashOf(partitionKey: string): string {
  return hash("md5", partitionKey, "hex");
}

export function toHashKey(value: bigint): string {
  return value.toString(16).padStart(DIGITS, "0");
}

export function hashNumber(hashKey: string): bigint {
  return BigInt(`0x${hashKey}`);
}

/** @returns null for a decimal text that is no hash key */
export function parseHashKey(decimal: string): string | null {
  if (!/^(0|[1-9]\d{0,38})$/.test(decimal)) return null;
  const value = BigInt(decimal);
  return value < HASH_KEYS ? toHashKey(value) : null;
}
