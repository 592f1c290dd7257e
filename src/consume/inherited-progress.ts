import { UnreadableRecord } from "../codec/unreadable-record.ts";
import type { HandledAhead } from "../position/handled-ahead.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { ComparePositions } from "../position/place.ts";

/** How far an ownership had come when it ended. Handlers that still ran do not count. */
export interface FinalProgress {
  /** The end of the prefix; `null`: nothing behind the start of the ownership is handled. */
  readonly through: string | null;
  readonly ahead: HandledAhead | null;
}

/**
 * What counts as handled when an ownership begins: what the group has stored ahead of its place, or what the same member knows from
 * a former ownership. It is asked about every record in log order, until all that it names has been read.
 */
export class InheritedProgress {
  /** Decides which records are handled already; `null`: none of those that follow. */
  #handled: HandledAhead | null;
  /** What is stored beside the place. The part of it that has not been read is stored again with each settlement. */
  #stored: HandledAhead | null;
  readonly #compare: ComparePositions;
  /** The first exception of `#handled` that has not been passed. */
  #nextException = 0;
  /** From this position on nothing counts as handled: the log there is another one. */
  #end: string | null = null;

  /** `resumed`: how far a former ownership of the same member had come, where nobody has settled or moved the group since. */
  constructor(stored: HandledAhead | null, resumed: FinalProgress | undefined, compare: ComparePositions) {
    this.#stored = stored;
    this.#handled = resumed === undefined ? stored : unionOf(stored, handledUnder(resumed), compare);
    this.#compare = compare;
  }

  /** Is this record handled already? To be asked in log order. Of an unreadable range: is everything in it? */
  isHandled(record: StoredRecord): boolean {
    const handled = this.#handled;
    if (handled === null) return false;
    const last = record.position;
    const isBehind = this.#compare(last, handled.upTo) > 0;
    if (isBehind || (this.#end !== null && this.#compare(last, this.#end) >= 0)) {
      this.#handled = null;
      return false;
    }
    const first = record instanceof UnreadableRecord ? record.range.first : last;
    const { except } = handled;
    while (this.#nextException < except.length && this.#compare(except[this.#nextException]!, first) < 0) this.#nextException += 1;
    return this.#nextException === except.length || this.#compare(except[this.#nextException]!, last) > 0;
  }

  /** From this position on the log is another one. */
  forget(from: string): void {
    if (this.#end === null || this.#compare(from, this.#end) < 0) this.#end = from;
    if (this.#stored !== null && this.#compare(from, this.#stored.upTo) <= 0) this.#stored = null;
  }

  /** The part of what is stored that lies behind this position. */
  storedBehind(read: string | null): HandledAhead | null {
    return this.#behind(read, this.#stored);
  }

  /** The part of what counts as handled that lies behind this position. Nothing where the log was cut: its new end has no name. */
  handledBehind(read: string | null): HandledAhead | null {
    const handled = this.#handled;
    const isCut = handled !== null && this.#end !== null && this.#compare(this.#end, handled.upTo) <= 0;
    return isCut ? null : this.#behind(read, handled);
  }

  #behind(read: string | null, ahead: HandledAhead | null): HandledAhead | null {
    if (ahead === null || read === null) return ahead;
    if (this.#compare(read, ahead.upTo) >= 0) return null;
    return { upTo: ahead.upTo, except: ahead.except.filter((position) => this.#compare(position, read) > 0) };
  }

  /** Does it say nothing more about what lies behind this position? */
  isOver(read: string | null): boolean {
    return this.#handled === null && (this.#stored === null || this.#behind(read, this.#stored) === null);
  }
}

/**
 * Are the exceptions in log order, each once, and none behind the end? Otherwise it cannot be trusted: a message that is not handled could
 * be skipped.
 */
export function isInLogOrder({ upTo, except }: HandledAhead, compare: ComparePositions): boolean {
  try {
    return except.every((position, index) => {
      const next = except[index + 1];
      return next === undefined ? compare(position, upTo) <= 0 : compare(position, next) < 0;
    });
  } catch {
    // A text that is no position of this driver.
    return false;
  }
}

/** The prefix and what lies ahead of it in one: every exception lies behind the prefix. */
function handledUnder({ through, ahead }: FinalProgress): HandledAhead | null {
  return ahead ?? (through === null ? null : { upTo: through, except: [] });
}

/** What is named by one of them, or by both. */
function unionOf(one: HandledAhead | null, other: HandledAhead | null, compare: ComparePositions): HandledAhead | null {
  if (one === null || other === null) return one ?? other;
  const [shorter, longer] = compare(one.upTo, other.upTo) < 0 ? [one, other] : [other, one];
  const unnamed = shorter.except.values();
  let next = unnamed.next();
  const isUnnamed = (position: string): boolean => {
    while (next.done !== true && compare(next.value, position) < 0) next = unnamed.next();
    return next.done !== true && compare(next.value, position) === 0;
  };
  return { upTo: longer.upTo, except: longer.except.filter((position) => isUnnamed(position) || compare(position, shorter.upTo) > 0) };
}
