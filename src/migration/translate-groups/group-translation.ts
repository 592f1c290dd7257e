import type { HandledAhead } from "../../position/handled-ahead.ts";
import type { ComparePositions, PartitionPlace, StartPoint } from "../../position/place.ts";
import type { StoredTime } from "../../stored-time.ts";
import { isHandled } from "../handled-part.ts";

/** So many positions of a partition are kept. What is handled behind them comes again. */
const MOST_POSITIONS = 20_000;

export type PlaceByTime = Extract<PartitionPlace & StartPoint, { readonly kind: "earliest" | "timestamp" }>;

/** One partition of the target, as far as it was read. */
interface TargetPart {
  /** From the first message on that the group has not handled: what is not handled, and what is. */
  readonly unhandled: string[];
  readonly handled: string[];
  /** How many of the unhandled ones lie before the last handled one. */
  unhandledBefore: number;
  /** Handled ones that are not kept. */
  uncounted: number;
}

/** Where a group has to go on in the target, found by reading the target once. */
export class GroupTranslation {
  readonly #parts = new Map<string, TargetPart>();
  /** By partition of the source: the least ordinal that is not handled, and the greatest that is. */
  readonly #unhandledFrom = new Map<string, bigint>();
  readonly #handledTo = new Map<string, bigint>();
  /** Times of handled messages, for a target that is placed by a time; `null`: it is not. */
  readonly #byTime: number[] | null;
  /** The least time of the messages that are not handled, and the greatest of all. */
  #firstTimeMs: StoredTime | null = null;
  #lastTimeMs: StoredTime | null = null;

  /** @param isByTime the target is placed by a time */
  constructor(isByTime: boolean) {
    this.#byTime = isByTime ? [] : null;
  }

  /** The next message of this partition of the target. @param origin `null`: the copy has not written it */
  note(
    partition: string,
    { position, timestampMs }: { readonly position: string; readonly timestampMs: StoredTime },
    isDone: boolean,
    origin: { readonly partition: string; readonly ordinal: string | null } | null,
  ): void {
    if (this.#lastTimeMs === null || timestampMs > this.#lastTimeMs) this.#lastTimeMs = timestampMs;
    if (!isDone && (this.#firstTimeMs === null || timestampMs < this.#firstTimeMs)) this.#firstTimeMs = timestampMs;
    if (isDone && this.#byTime !== null) this.#byTime.push(Number(timestampMs));
    if (origin !== null && origin.ordinal !== null) this.#noteOrdinal(origin.partition, BigInt(origin.ordinal), isDone);
    const part = this.#parts.get(partition);
    if (part === undefined) {
      if (!isDone)
        this.#parts.set(partition, {
          unhandled: [position],
          handled: [],
          unhandledBefore: 1,
          uncounted: 0,
        });
    } else if (!isDone) {
      if (part.unhandled.length < MOST_POSITIONS) part.unhandled.push(position);
      else part.unhandled[MOST_POSITIONS] = position;
    } else if (part.unhandled.length > MOST_POSITIONS || part.handled.length >= MOST_POSITIONS) part.uncounted += 1;
    else {
      part.handled.push(position);
      part.unhandledBefore = part.unhandled.length;
    }
  }

  #noteOrdinal(partition: string, ordinal: bigint, isDone: boolean): void {
    const known = isDone ? this.#handledTo : this.#unhandledFrom;
    const before = known.get(partition);
    if (before === undefined || (isDone ? ordinal > before : ordinal < before)) known.set(partition, ordinal);
  }

  /** @param ends of all partitions of the target, as far as they were read */
  places(ends: ReadonlyMap<string, PartitionPlace>): ReadonlyMap<string, PartitionPlace> {
    const places = new Map(ends);
    for (const [partition, { unhandled }] of this.#parts) places.set(partition, { kind: "at", position: unhandled[0]! });
    return places;
  }

  /** What is handled behind the places. */
  get ahead(): ReadonlyMap<string, HandledAhead> {
    const ahead = new Map<string, HandledAhead>();
    for (const [partition, { handled, unhandled, unhandledBefore }] of this.#parts) {
      const upTo = handled.at(-1);
      if (upTo !== undefined) ahead.set(partition, { upTo, except: unhandled.slice(0, unhandledBefore) });
    }
    return ahead;
  }

  /** How many messages come again. @param stored what the target keeps of what is handled behind the places */
  repeats(stored: ReadonlyMap<string, HandledAhead>, compare: ComparePositions): number {
    let repeats = 0;
    for (const [partition, { handled, uncounted }] of this.#parts) {
      const ahead = stored.get(partition) ?? null;
      const isKept = (position: string): boolean =>
        ahead !== null && isHandled({ place: { kind: "earliest" }, ahead }, position, 0, compare);
      repeats += uncounted + handled.reduce((sum, position) => sum + (isKept(position) ? 0 : 1), 0);
    }
    return repeats;
  }

  /**
   * The place in a target without positions: the least time of the messages that are not handled, or the greatest time of all if there are none. The first one that
   * was read need not be the earliest: such a target may hand out messages of different keys in another order than it has stored them.
   * @param marginMs so much earlier: a message that is stored later may have an earlier time, from a server whose clock is behind
   */
  placeByTime(marginMs: number): PlaceByTime {
    const timeMs = this.#firstTimeMs ?? this.#lastTimeMs;
    return timeMs === null ? { kind: "earliest" } : { kind: "timestamp", timestampMs: Number(timeMs) - marginMs };
  }

  /** How many handled messages come again from a place by time. */
  repeatsByTime(place: PlaceByTime): number {
    const times = this.#byTime ?? [];
    return place.kind === "earliest" ? times.length : times.filter((time) => time >= place.timestampMs).length;
  }

  /** By partition of the source: everything up to this ordinal is handled. @param known of messages that were not read */
  handledOrdinals(known: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const ordinals = new Map(known);
    for (const [partition, ordinal] of this.#handledTo) {
      const before = ordinals.get(partition);
      if (before === undefined || BigInt(before) < ordinal) ordinals.set(partition, String(ordinal));
    }
    for (const [partition, ordinal] of this.#unhandledFrom) {
      const before = ordinals.get(partition);
      if (before === undefined || BigInt(before) >= ordinal) ordinals.set(partition, String(ordinal - 1n));
    }
    return ordinals;
  }
}
