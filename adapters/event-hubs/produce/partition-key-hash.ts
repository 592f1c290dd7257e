/**
 * The partition of a partition key, of so many: lookup3 of Bob Jenkins over its UTF-8 bytes, both halves folded to 16 bits. The buffered producers of the
 * SDKs for .NET, Java and JavaScript compute it so: https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/eventhub/Azure.Messaging.EventHubs/src/Core/PartitionResolver.cs.
 * That the service does the same is belief.
 */
export function partitionIndexOf(key: Uint8Array, partitions: number): number {
  const folded = (foldedHash(key) << 16) >> 16;
  return Math.abs(folded % partitions);
}

function foldedHash(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  let a = (0xdeadbeef + key.length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; key.length - at > 12; at += 12) {
    a += view.getInt32(at, true);
    b += view.getInt32(at + 4, true);
    c += view.getInt32(at + 8, true);
    a = (a - c) ^ turned(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ turned(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ turned(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ turned(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ turned(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ turned(b, 4);
    b = (b + a) | 0;
  }
  if (at === key.length) return b ^ c;
  a += wordAt(key, at);
  b += wordAt(key, at + 4);
  c += wordAt(key, at + 8);
  c = (c ^ b) - turned(b, 14);
  a = (a ^ c) - turned(c, 11);
  b = (b ^ a) - turned(a, 25);
  c = (c ^ b) - turned(b, 16);
  a = (a ^ c) - turned(c, 4);
  b = (b ^ a) - turned(a, 14);
  c = (c ^ b) - turned(b, 24);
  return b ^ c;
}

/** Four bytes, the lowest first; what is behind the key counts as 0. */
function wordAt(key: Uint8Array, at: number): number {
  return (key[at] ?? 0) | ((key[at + 1] ?? 0) << 8) | ((key[at + 2] ?? 0) << 16) | ((key[at + 3] ?? 0) << 24);
}

function turned(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
