import type { UnreadableRange } from "../../../src/driver/index.ts";
import { classify } from "../errors.ts";
import { toPosition } from "../records.ts";

/** A range of offsets, both ends included, that cannot be read. */
export class UnreadableOffsets extends Error {
  readonly first: bigint;
  readonly last: bigint;
  /** The size of the range in an answer, in bytes. */
  readonly byteLength: number;

  constructor(first: bigint, last: bigint, byteLength: number, cause: unknown) {
    super("what is stored cannot be read", { cause });
    this.first = first;
    this.last = last;
    this.byteLength = byteLength;
  }

  toRange(partition: number): UnreadableRange {
    const { first, last } = this;
    const error = classify(this.cause);
    const where = first === last ? `offset ${first}` : `offsets ${first} to ${last}`;
    const reason = `what is stored at ${where} of partition "${partition}" cannot be read: ${error.message}`;
    return { first: toPosition(first), last: toPosition(last), reason, cause: error.cause ?? error };
  }
}
