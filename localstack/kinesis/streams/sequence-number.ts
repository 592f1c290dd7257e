/**
 * The sequence numbers of the emulator. Like those of the service they are decimal texts of 56 digits, rise within a shard with gaps, and tell the shard
 * and the stream that they belong to. Which bits mean what is our own: clients must not look into them.
 */
export interface SequenceNumber {
  /** Another one for each shard that is created at another time, so that a re-created stream has other numbers. */
  readonly generation: number;
  readonly shardIndex: number;
  /** The records of a shard are counted from 1; 0 is before all of them. */
  readonly ordinal: number;
  readonly second: number;
}

const SHAPE = 2n << 184n;
const VERSION = 2n;
/** Of the number behind all records of a closed shard. */
export const LAST_ORDINAL = Number.MAX_SAFE_INTEGER;

export function formatSequenceNumber({ generation, shardIndex, ordinal, second }: SequenceNumber): string {
  const head = SHAPE | (BigInt(generation) << 138n) | (BigInt(ordinal) << 76n);
  return String(head | (BigInt(second) << 36n) | (BigInt(shardIndex) << 4n) | VERSION);
}

/** @returns null for a text that no emulator has made */
export function parseSequenceNumber(text: string): SequenceNumber | null {
  if (!/^\d{1,60}$/.test(text)) return null;
  const number = BigInt(text);
  if (number >> 184n !== 2n || (number & 15n) !== VERSION) return null;
  const part = (shift: bigint, bits: number): number => Number(BigInt.asUintN(bits, number >> shift));
  return { generation: part(138n, 46), ordinal: part(76n, 62), second: part(36n, 40), shardIndex: part(4n, 32) };
}
