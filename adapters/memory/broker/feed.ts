import type { DriverGap, UnreadableRange } from "../../../src/driver/index.ts";
import { type MemoryRecord, unreadableAt } from "../records.ts";
import type { Log } from "./log.ts";
import type { MemoryTopic } from "./topic.ts";
import type { Wake } from "./wake.ts";

/** The answer to one fetch. */
export type FetchAnswer =
  | { readonly kind: "records"; readonly records: MemoryRecord[] }
  | { readonly kind: "gap"; readonly gap: DriverGap }
  | { readonly kind: "unreadable"; readonly range: UnreadableRange }
  /** The log has no record up to and including this position. */
  | { readonly kind: "advanced"; readonly through: string }
  | { readonly kind: "caught-up" }
  | { readonly kind: "ended" };

/** The source of records, one after the other: a log, or the records that a group has leased to a member. */
export interface Feed {
  /** Wakes when new records may have arrived since the last `caught-up`. */
  readonly changed: Wake;
  next(): FetchAnswer;
}

const MAX_RECORDS = 1_000;
const MAX_BYTES = 1_048_576;

/** The records of a log, from an index on. */
export class LogFeed implements Feed {
  readonly #topic: MemoryTopic;
  readonly #log: Log;
  readonly #gapDetected: boolean;
  #index: number;
  #hasLost: boolean;

  /** @param hasLost whether retention has dropped records before this index that belong to what is read */
  constructor(topic: MemoryTopic, log: Log, fromIndex: number, gapDetected: boolean, hasLost = false) {
    this.#topic = topic;
    this.#log = log;
    this.#index = fromIndex;
    this.#gapDetected = gapDetected;
    this.#hasLost = hasLost;
  }

  get changed(): Wake {
    return this.#log.changed;
  }

  next(): FetchAnswer {
    const log = this.#log;
    log.trim(this.#topic.retention, Date.now());
    const missing = log.firstIndex - this.#index;
    if (missing > 0 || this.#hasLost) {
      const gap = gapUpTo(log, this.#hasLost ? null : missing);
      this.#hasLost = false;
      this.#index = log.firstIndex;
      if (this.#gapDetected) return { kind: "gap", gap };
    }
    const kept = log.firstKept(this.#index);
    if (kept > this.#index) {
      // Compaction has removed everything up to there: in the middle of the log, or up to its end.
      this.#index = kept;
      return { kind: "advanced", through: log.positions.nameOf(kept - 1) };
    }
    // A damaged record is read a second time, as every driver has to.
    if (log.damage.shows(kept) && log.damage.shows(kept)) {
      this.#index = kept + 1;
      return { kind: "unreadable", range: unreadableAt(log.positions.nameOf(kept)) };
    }
    const records = log.read(kept, log.damage.run(kept, MAX_RECORDS), MAX_BYTES);
    if (records.length > 0) {
      this.#index = records.at(-1)!.index + 1;
      return { kind: "records", records };
    }
    return { kind: log.closed ? "ended" : "caught-up" };
  }
}

/** What retention has dropped, up to the oldest record that is kept. @param missing how many they are; `null`: that is not known */
export function gapUpTo({ positions, firstIndex }: Log, missing: number | null): DriverGap {
  return { resumesAt: { kind: "at", position: positions.nameOf(firstIndex) }, missing: positions.areCounted ? missing : null };
}
