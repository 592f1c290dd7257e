import type { HandledAhead } from "../../../src/driver/index.ts";
import { toIndex, toPosition } from "../records.ts";

/** What a group has handled behind its place in a partition: everything before `end`, except these indexes, which ascend. */
export class StoredAhead {
  readonly #end: number;
  readonly #except: readonly number[];

  private constructor(end: number, except: readonly number[]) {
    this.#end = end;
    this.#except = except;
  }

  /** @returns `null` if it says nothing that is worth keeping; "malformed" if the exceptions do not lie in order between the place and `upTo` */
  static of({ upTo, except }: HandledAhead, place: number, logEnd: number): StoredAhead | "malformed" | null {
    const indexes = except.map(toIndex);
    const last = toIndex(upTo);
    // The core keeps to it; an error here is a defect.
    const isOrdered = indexes.every((index, at) => index >= (at === 0 ? place : indexes[at - 1]! + 1));
    if (!isOrdered || last < place || last >= logEnd || (indexes.at(-1) ?? -1) > last) return "malformed";
    let kept = indexes.length;
    let end = last + 1;
    while (kept > 0 && indexes[kept - 1] === end - 1) {
      kept -= 1;
      end = indexes[kept]!;
    }
    return end <= place ? null : new StoredAhead(end, indexes.slice(0, kept));
  }

  /** What of it lies behind this place. @returns `null`: nothing */
  behind(place: number): StoredAhead | null {
    if (this.#end <= place) return null;
    return new StoredAhead(
      this.#end,
      this.#except.filter((except) => except >= place),
    );
  }

  get named(): HandledAhead {
    return { upTo: toPosition(this.#end - 1), except: this.#except.map(toPosition) };
  }

  /** How many indexes from this one on are handled. */
  countFrom(index: number): number {
    return Math.max(0, this.#end - index - this.#except.filter((except) => except >= index).length);
  }

  /** The first index from this one on that is not handled. */
  firstUnhandled(index: number): number {
    return this.#except.find((except) => except >= index) ?? Math.max(index, this.#end);
  }
}
