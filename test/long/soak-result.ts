/** One thing that a soak has looked at. */
export interface SoakCheck {
  readonly name: string;
  /** As found, with its unit. */
  readonly value: string;
  readonly allowed: string;
  readonly holds: boolean;
}

export interface SoakResult {
  readonly checks: readonly SoakCheck[];
  readonly seconds: number;
}

const MEBIBYTE = 1_048_576;

/** A figure in bytes that must not be over a bound. */
export function bytesCheck(name: string, bytes: number, mostBytes: number): SoakCheck {
  const mebibytes = (value: number): string => `${(value / MEBIBYTE).toFixed(1)} MiB`;
  return { name, value: mebibytes(bytes), allowed: `at most ${mebibytes(mostBytes)}`, holds: bytes <= mostBytes };
}

/** A count that must be exactly this. */
export function countCheck(name: string, count: number, expected: number): SoakCheck {
  return { name, value: count.toLocaleString("en"), allowed: expected.toLocaleString("en"), holds: count === expected };
}
