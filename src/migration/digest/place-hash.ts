import { finished } from "./content-hash.ts";

const FNV_PRIME = 0x01000193;

/** A number for a message of the source: for buckets, samples and digests. @param seed `partitionHash` */
export function placeHash(seed: number, position: string): number {
  return finished(withText(seed, position));
}

/** As `placeHash`, of ASCII. */
export function placeHashAt(seed: number, memory: DataView, begin: number, end: number): number {
  let hash = Math.imul(seed ^ (end - begin), FNV_PRIME);
  for (let at = begin; at < end; at += 1) hash = Math.imul(hash ^ memory.getUint8(at), FNV_PRIME);
  return finished(hash);
}

export function partitionHash(partition: string): number {
  return finished(withText(0x2545f491, partition));
}

function withText(before: number, text: string): number {
  let hash = Math.imul(before ^ text.length, FNV_PRIME);
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return hash;
}
