import { inspect } from "node:util";
import { type TopicIdentity, encodePosition } from "../position/position.ts";
import type { Receipt } from "../receipt.ts";
import { type StoredTime, toDate } from "../stored-time.ts";
import type { Position } from "../tokens.ts";

/** What the receipts of one stored slice share: one object for the slice, not one for each message. */
export interface StoredSlice {
  readonly provider: string;
  readonly identity: TopicIdentity;
  readonly partition: string | null;
  readonly timestampMs: StoredTime | null;
  /** The position in the driver's own form, or `null` where the driver does not know it. */
  positionOf(index: number): string | null;
}

/** The receipt that the application gets. Its position is built when it is read: building it costs more than everything else. */
export class StoredReceipt implements Receipt {
  readonly partition: string | null;
  readonly timestamp: Date | null;
  readonly #slice: StoredSlice;
  readonly #index: number;

  constructor(slice: StoredSlice, index: number) {
    this.partition = slice.partition;
    this.timestamp = slice.timestampMs === null ? null : toDate(slice.timestampMs);
    this.#slice = slice;
    this.#index = index;
  }

  get position(): Position | null {
    const { provider, identity, partition } = this.#slice;
    const position = partition === null ? null : this.#slice.positionOf(this.#index);
    return partition === null || position === null ? null : encodePosition({ provider, ...identity, partition, position });
  }

  toJSON(): object {
    const { partition, position, timestamp } = this;
    return { partition, position, timestamp };
  }

  [inspect.custom](): object {
    return this.toJSON();
  }
}
