import { isEmptyRange } from "../../position/empty-range.ts";
import type { RangePartition } from "../../driver/reader-driver.ts";
import type { StoredRecord } from "../../driver/record.ts";
import type { ComparePositions, PartitionPlace, Place } from "../../position/place.ts";
import { isHandled } from "../handled-part.ts";
import { resolveEnds, resolveRange } from "../resolve-range.ts";
import type { OpenSide } from "../side.ts";

/** What was stored in the source when a copy began, and how much of it is still to be copied. */
export class CopyEnd {
  readonly #open: Map<string, RangePartition>;
  /** The ends of the partitions, where a range up to now has no position as its end. */
  readonly #ends: ReadonlyMap<string, Place>;
  readonly #compare: ComparePositions;

  private constructor(partitions: readonly RangePartition[], ends: ReadonlyMap<string, Place>, compare: ComparePositions) {
    this.#ends = ends;
    const open = partitions.filter(({ start, end }) => !isEmptyRange(start, end, compare));
    this.#open = new Map(open.map((partition) => [partition.partition, partition]));
    this.#compare = compare;
  }

  /** What is stored now. */
  static async ofNow(side: OpenSide, signal: AbortSignal): Promise<CopyEnd> {
    const untilNow = { from: { kind: "earliest" }, until: { kind: "now" }, partitions: null } as const;
    const { partitions } = await resolveRange(side, "copy", untilNow, signal);
    const haveEnds = partitions.every(({ end }) => end?.kind === "before" || end?.kind === "through");
    const latest = haveEnds ? [] : (await resolveEnds(side, "copy", signal)).partitions;
    return new CopyEnd(partitions, new Map(latest.map(({ partition, start }) => [partition, start])), side.compare);
  }

  get isReached(): boolean {
    return this.#open.size === 0;
  }

  /** The partitions that are not copied to the end. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** All of the partition that was stored when the copy began has been copied. */
  reached(partition: string): void {
    this.#open.delete(partition);
  }

  /** Everything up to this position has been copied. */
  copied(partition: string, position: string): void {
    const end = this.#open.get(partition)?.end;
    if ((end?.kind === "before" || end?.kind === "through") && this.#compare(position, end.position) >= 0) this.#open.delete(partition);
  }

  /** The group stands here, perhaps because of other members. */
  groupStands(places: ReadonlyMap<string, PartitionPlace>): void {
    for (const [partition, place] of places) {
      if (place.kind === "ended") this.#open.delete(partition);
      const end = this.#open.get(partition)?.end;
      if (end?.kind !== "before" && end?.kind !== "through") continue;
      if (place.kind !== "at" && place.kind !== "after") continue;
      const order = this.#compare(place.position, end.position);
      if (order > 0 || (order === 0 && (end.kind === "before" || place.kind === "after"))) this.#open.delete(partition);
    }
  }

  /**
   * As `groupStands`, for a partition whose end has no position that a group comes to stand at.
   * @param next the first message behind the place of the group that has to be copied; `null`: there is none
   */
  groupComesTo(partition: string, next: StoredRecord | null): void {
    const end = this.#ends.get(partition);
    const isPassed =
      next === null || (end !== undefined && !isHandled({ place: end, ahead: null }, next.position, next.timestampMs, this.#compare));
    if (isPassed) this.#open.delete(partition);
  }

  /** The open partitions of which only `groupComesTo` can tell that others have copied them. */
  get openWithoutPosition(): readonly string[] {
    return [...this.#open].filter(([, { end }]) => end?.kind !== "before" && end?.kind !== "through").map(([partition]) => partition);
  }
}
