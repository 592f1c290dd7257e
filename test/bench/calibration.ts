/** What the reference machine takes for one hash, in nanoseconds: absolute figures are stated as it would have measured them. */
const REFERENCE_NANOSECONDS = 21;
const HASHES = 1_000_000;

/**
 * The yardstick: MurmurHash2 over an 18-byte key. It stands here and not in the product, so that nothing that makes the
 * product faster can change what it is measured by.
 */
function murmur2(bytes: Uint8Array): number {
  let hash = 0x9747b28c ^ bytes.length;
  const blocks = bytes.length & ~3;
  for (let at = 0; at < blocks; at += 4) {
    let block = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    block = Math.imul(block, 0x5bd1e995);
    block = Math.imul(block ^ (block >>> 24), 0x5bd1e995);
    hash = Math.imul(hash, 0x5bd1e995) ^ block;
  }
  if ((bytes.length & 3) === 3) hash ^= bytes[blocks + 2]! << 16;
  if ((bytes.length & 3) >= 2) hash ^= bytes[blocks + 1]! << 8;
  if ((bytes.length & 3) >= 1) hash = Math.imul(hash ^ bytes[blocks]!, 0x5bd1e995);
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** As many keys as the workload has: one key alone would be learnt by heart. */
const KEYS: readonly Uint8Array[] = Array.from({ length: 512 }, (_, index) => Buffer.from(`key-${String(index).padStart(14, "0")}`));

/** Nanoseconds of processor time of one hash on this machine, now. Before it as many are made that do not count: V8 compiles the loop meanwhile. */
export function hashNanoseconds(): number {
  hashMany();
  return hashMany();
}

function hashMany(): number {
  let sum = 0;
  const before = process.cpuUsage();
  for (let index = 0; index < HASHES; index += 1) sum ^= murmur2(KEYS[index & 511]!);
  const { user, system } = process.cpuUsage(before);
  // The result is used, so that the loop cannot be left out.
  if (!Number.isFinite(sum)) throw new Error("the hash is not a number");
  return ((user + system) * 1_000) / HASHES;
}

/** By what an absolute figure measured beside `nanoseconds` a hash is multiplied. */
export function calibrationFactor(nanoseconds: number): number {
  return REFERENCE_NANOSECONDS / nanoseconds;
}
