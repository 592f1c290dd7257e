/**
 * The partition of a partition key: Jenkins' lookup3 over its UTF-8 bytes, both halves folded to 16 bits, the absolute value modulo the number of
 * partitions. The buffered producers of .NET, Java and JavaScript compute it so; that the service does the same is belief.
 */
export function partitionOfKey(key: string, partitions: number): number {
  const [b, c] = lookup3(Buffer.from(key, "utf8"));
  return Math.abs((((b ^ c) << 16) >> 16) % partitions);
}

function lookup3(bytes: Buffer): readonly [b: number, c: number] {
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  let offset = 0;
  for (; bytes.length - offset > 12; offset += 12) {
    a = (a + bytes.readInt32LE(offset)) | 0;
    b = (b + bytes.readInt32LE(offset + 4)) | 0;
    c = (c + bytes.readInt32LE(offset + 8)) | 0;
    a = ((a - c) | 0) ^ rotated(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotated(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotated(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotated(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotated(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotated(b, 4);
    b = (b + a) | 0;
  }
  if (bytes.length === offset) return [b, c];
  const tail = Buffer.alloc(12);
  bytes.copy(tail, 0, offset);
  a = (a + tail.readInt32LE(0)) | 0;
  b = (b + tail.readInt32LE(4)) | 0;
  c = (c + tail.readInt32LE(8)) | 0;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return [b, c];
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
