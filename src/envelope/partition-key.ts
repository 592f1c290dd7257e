import { createHash } from "node:crypto";

const DERIVED_PREFIX = "streamport-key-";

/**
 * The partition key under which a service stores the messages of a key: the key itself where the service takes it, else
 * `streamport-key-` and the key's SHA-256 in base64url without padding, 58 characters of ASCII. The key itself is in the frame, so nothing of
 * it is lost. Keys that are equal have equal partition keys, also from other processes and other languages.
 * @param isTaken whether the service takes these bytes as a partition key: long enough, short enough, text
 */
export function partitionKeyOf(key: Uint8Array, isTaken: (key: Uint8Array) => boolean): Uint8Array {
  return isTaken(key) ? key : derivedPartitionKey(key);
}

function derivedPartitionKey(key: Uint8Array): Uint8Array {
  return Buffer.from(DERIVED_PREFIX + createHash("sha256").update(key).digest("base64url"), "latin1");
}

/**
 * Whether messages of this key can be stored under this partition key. It does not depend on what a service takes, so a frame stays one
 * when that changes. A message without a key can be stored under any, because services want one or choose one.
 */
export function belongsTo(key: Uint8Array | null, partitionKey: Uint8Array | null): boolean {
  if (key === null) return true;
  if (partitionKey === null) return false;
  return equalBytes(key, partitionKey) || (isDerived(partitionKey) && equalBytes(derivedPartitionKey(key), partitionKey));
}

/** Spares other partition keys the hash. */
function isDerived(partitionKey: Uint8Array): boolean {
  for (let at = 0; at < DERIVED_PREFIX.length; at += 1) if (partitionKey[at] !== DERIVED_PREFIX.charCodeAt(at)) return false;
  return true;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
