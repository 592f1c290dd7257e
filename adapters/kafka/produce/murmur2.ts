const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** The hash of Java's producer for keys, in 32-bit arithmetic, as a positive number. */
export function murmur2(key: Uint8Array): number {
  const length = key.length;
  const wholeWords = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < wholeWords; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const rest = length - wholeWords;
  if (rest > 0) {
    if (rest > 2) hash ^= key[wholeWords + 2]! << 16;
    if (rest > 1) hash ^= key[wholeWords + 1]! << 8;
    hash = Math.imul(hash ^ key[wholeWords]!, MULTIPLIER);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  hash ^= hash >>> 15;
  return hash & 0x7fffffff;
}
