import type { HandledAhead } from "../../../src/driver/index.ts";
import type { Log } from "./log.ts";
import type { Positions } from "./positions.ts";

/** What a group has handled behind its place in a partition: everything before `end`, except these indexes, which ascend. */
export class StoredAhead {
  readonly #positions: Positions;
  readonly #end: number;
  readonly #except: readonly number[];

  private constructor(positions: Positions, end: number, except: readonly number[]) {
    this.#positions = positions;
    this.#end = end;
    this.#except = except;
  }

  /** @returns `null` if it says nothing that is worth keeping; "malformed" if the exceptions do not lie in order between the place and `upTo` */
  static of({ upTo, except }: HandledAhead, place: number, log: Pick<Log, "positions" | "endIndex">): StoredAhead | "malformed" | null {
    const { positions, endIndex } = log;
    const indexes = except.map((position) => positions.from(position));
    const last = positions.from(upTo);
    // The core keeps to it; an error here is a defect.
    const isOrdered = indexes.every((index, at) => index >= (at === 0 ? place : indexes[at - 1]! + 1));
    if (!isOrdered || last < place || last >= endIndex || (indexes.at(-1) ?? -1) > last) return "malformed";
    let kept = indexes.length;
    let end = last + 1;
    while (kept > 0 && indexes[kept - 1] === end - 1) {
      kept -= 1;
      end = indexes[kept]!;
    }
    return end <= place ? null : new StoredAhead(positions, end, indexes.slice(0, kept));
  }

  /** What of it lies behind this place. @returns `null`: nothing */
  behind(place: number): StoredAhead | null {
    if (this.#end <= place) return null;
    return new StoredAhead(
      this.#positions,
      this.#end,
      this.#except.filter((except) => except >= place),
    );
  }

  get named(): HandledAhead {
    return { upTo: this.#positions.nameOf(this.#end - 1), except: this.#except.map((index) => this.#positions.nameOf(index)) };
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
