import type { MemoryRecord } from "../records.ts";
import { type Feed, type FetchAnswer, LogFeed } from "./feed.ts";
import type { Log } from "./log.ts";
import type { Mark } from "./marks.ts";
import type { MemoryTopic } from "./topic.ts";
import type { Wake } from "./wake.ts";

/**
 * The records of a log that have not been read yet, in the order of each key and in no order between keys. It knows what was read, record
 * by record, as a subscription does.
 */
export class KeyOrderFeed implements Feed {
  readonly #log: Log;
  readonly #feed: LogFeed;
  /** Read, at or behind `#from`. */
  readonly #read: Set<number>;
  #from: number;

  constructor(topic: MemoryTopic, log: Log, { from, read }: Mark) {
    this.#log = log;
    this.#feed = new LogFeed(topic, log, from, false);
    this.#from = from;
    this.#read = new Set(read);
  }

  get changed(): Wake {
    return this.#feed.changed;
  }

  /** What was read so far. */
  get mark(): Mark {
    return { from: this.#from, read: new Set(this.#read) };
  }

  /** The record was read. */
  add(index: number): void {
    if (index < this.#from) return;
    this.#read.add(index);
    // Compaction and retention leave holes that nobody reads.
    while (this.#read.delete(this.#from) || (this.#from < this.#log.endIndex && this.#isGone(this.#from))) this.#from += 1;
  }

  #isGone(index: number): boolean {
    return index < this.#log.firstIndex || this.#log.isRemoved(index);
  }

  next(): FetchAnswer {
    for (;;) {
      const answer = this.#feed.next();
      if (answer.kind === "records") {
        const records = answer.records.filter(({ index }) => !this.#read.has(index));
        if (records.length > 0) return { kind: "records", records: keyByKey(records) };
      } else if (answer.kind === "unreadable") {
        if (!this.#read.has(this.#log.positions.from(answer.range.first))) return answer;
      } else if (answer.kind !== "advanced") return answer;
    }
  }
}

/** The key that came last goes first, so that whoever relies on an order between keys fails at once. */
export function keyByKey(records: readonly MemoryRecord[]): MemoryRecord[] {
  const byKey = Map.groupBy(records, ({ key, index }) => (key === null ? index : Buffer.from(key).toString("latin1")));
  return [...byKey.values()].toReversed().flat();
}
