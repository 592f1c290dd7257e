import { memoryError } from "../errors.ts";

/** How the log of a partition names its indexes outside of the driver: whole numbers that ascend, as decimal texts. */
export interface Positions {
  /** Whether two positions say how many messages lie between them. */
  readonly areCounted: boolean;
  nameOf(index: number): string;
  /** The first index whose position is this one or lies behind it. @throws `invalid-argument` for a text that is no position of this partition */
  from(position: string): number;
  /** The first index whose position lies behind this one. @throws as `from` */
  behind(position: string): number;
}

/** The positions of a new partition. @param number counts the partitions of the topic */
export type PositionsOf = (number: number) => Positions;

const POSITION = /^(?:0|[1-9]\d*)$/;
const MOST_DIGITS = 64;
/** Of those that are counted: a number holds them exactly. */
const MOST_COUNTED_DIGITS = 16;

function requirePosition(position: string, digits = MOST_DIGITS): void {
  if (typeof position === "string" && position.length <= digits && POSITION.test(position)) return;
  const received = typeof position === "string" ? `a string of ${position.length} characters` : typeof position;
  throw memoryError(
    "invalid-argument",
    `a position of the memory provider is a decimal number of up to ${digits} digits; received ${received}`,
  );
}

/** Order of two positions of one partition. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  requirePosition(a);
  requirePosition(b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Offsets: each message has the next number. */
export const COUNTED: Positions = {
  areCounted: true,
  nameOf: (index) => String(index),
  from(position) {
    requirePosition(position, MOST_COUNTED_DIGITS);
    return Number(position);
  },
  behind: (position) => COUNTED.from(position) + 1,
};

/** The multiplier of Knuth's hash, so that the holes look like chance and are the same in each run. */
const MIX = 2_654_435_761;

/** Numbers with holes of different widths, so that nobody can count with them. They may name the partition in their last digits. */
export class SparsePositions implements Positions {
  readonly areCounted = false;
  readonly #first: bigint;
  readonly #step: number;
  readonly #partition: { readonly number: bigint; readonly of: bigint } | null;

  /**
   * @param first below the first position
   * @param step the mean distance of two of them
   * @param partition the number in the last digits of each position, and how many numbers there are
   */
  constructor(first: bigint, step: number, partition: { readonly number: number; readonly of: number } | null = null) {
    this.#first = first;
    this.#step = step;
    this.#partition = partition === null ? null : { number: BigInt(partition.number), of: BigInt(partition.of) };
  }

  nameOf(index: number): string {
    return String(this.#valueOf(index));
  }

  #valueOf(index: number): bigint {
    const value = this.#first + BigInt(index) * BigInt(this.#step) + BigInt((Math.imul(index + 1, MIX) >>> 0) % this.#step);
    return this.#partition === null ? value : value * this.#partition.of + this.#partition.number;
  }

  from(position: string): number {
    const value = this.#parse(position);
    const near = this.#near(value);
    return this.#valueOf(near) >= value ? near : near + 1;
  }

  behind(position: string): number {
    const value = this.#parse(position);
    const near = this.#near(value);
    return this.#valueOf(near) > value ? near : near + 1;
  }

  #parse(position: string): bigint {
    requirePosition(position);
    const value = BigInt(position);
    if (this.#partition !== null && value % this.#partition.of !== this.#partition.number) {
      throw memoryError("invalid-argument", "the position belongs to another partition");
    }
    return value;
  }

  /** The index in whose step the value lies. */
  #near(value: bigint): number {
    const scaled = this.#partition === null ? value : value / this.#partition.of;
    const index = Number((scaled - this.#first) / BigInt(this.#step));
    return Math.min(Math.max(index, 0), Number.MAX_SAFE_INTEGER);
  }
}
