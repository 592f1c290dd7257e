import { showName } from "../../option-rules.ts";
import type { ComparePositions, PartitionPlace, PositionPlace } from "../../position/place.ts";
import type { StoredRecord } from "../../driver/record.ts";
import { furtherPlace, isBehind } from "../copy/place-order.ts";
import type { OpenSide } from "../side.ts";
import { firstRecord } from "../records-from.ts";
import { type GroupState, describeSide, refusal } from "./group-state.ts";
import { isHandled } from "../handled-part.ts";
import type { ResolvedTranslateGroupsOptions } from "./translate-groups-options.ts";

/** Where a look at the copy begins. */
export type CopyInView = Pick<ResolvedTranslateGroupsOptions, "copyGroup" | "checkpoints" | "signal">;

/** How far the copy has come, as the target, the group of the copy and its checkpoints show it. */
export class CopiedSoFar {
  readonly #source: OpenSide;
  readonly #targetId: string;
  /** By partition of the source. */
  readonly places: ReadonlyMap<string, PartitionPlace>;
  readonly #signal: AbortSignal;
  readonly #next = new Map<string, Promise<StoredRecord | null>>();

  private constructor(source: OpenSide, targetId: string, places: ReadonlyMap<string, PartitionPlace>, signal: AbortSignal) {
    this.#source = source;
    this.#targetId = targetId;
    this.places = places;
    this.#signal = signal;
  }

  /** @param seen the last position of each partition of the source that the target was found to hold */
  static async of(
    source: OpenSide,
    target: OpenSide,
    seen: ReadonlyMap<string, string>,
    { copyGroup, checkpoints, signal }: CopyInView,
  ): Promise<CopiedSoFar> {
    const { compare } = source;
    const description = await describeSide(source, copyGroup, signal);
    const places = new Map<string, PartitionPlace>(description?.places ?? []);
    const further = (partition: string, position: string): void => {
      const before = places.get(partition);
      if (before?.kind === "ended") return;
      const place: PositionPlace | null = furtherPlace(before ?? null, { kind: "after", position }, compare);
      if (place !== null) places.set(partition, place);
    };
    for (const [partition, position] of seen) further(partition, position);
    for (const partition of places.keys()) {
      const checkpoint = (await checkpoints?.read(partition)) ?? null;
      if (checkpoint !== null && checkpoint.source === source.id && checkpoint.target === target.id && checkpoint.place !== null)
        further(partition, checkpoint.place);
    }
    return new CopiedSoFar(source, target.id, places, signal);
  }

  /**
   * The group must stand where the copy has been, and what it has not handled must be there.
   * @param missing by partition, unhandled positions that the target was not found to hold
   * @throws `conflict` where it stands further than the copy · `position-out-of-range` where messages are missing in the target
   */
  async require({ group, bookmark, parts }: GroupState, missing: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    if (bookmark === null) return;
    const { compare } = this.#source;
    for (const [partition, part] of parts) {
      const copied = this.places.get(partition) ?? null;
      const isCopied = (position: string): boolean =>
        copied !== null && (copied.kind === "ended" || ("position" in copied && !isBehind(position, copied, compare)));
      const lost = [...(missing.get(partition) ?? [])].filter(isCopied);
      if (lost.length > 0) throw this.#lost(group, partition, lost.length);
      const isAheadOfCopy = part.ahead !== null && !isCopied(part.ahead.upTo);
      const next = isWithin(part.place, copied, compare) ? null : await this.#nextToCopy(partition, copied);
      if (isAheadOfCopy || (next !== null && isHandled(part, next.position, next.timestampMs, compare)))
        throw this.#beyond(group, partition);
    }
  }

  #nextToCopy(partition: string, copied: PartitionPlace | null): Promise<StoredRecord | null> {
    const found =
      this.#next.get(partition) ?? firstRecord(this.#source, partition, copied ?? { kind: "earliest" }, this.#targetId, this.#signal);
    this.#next.set(partition, found);
    return found;
  }

  #beyond(group: string, partition: string): Error {
    const text =
      `the group ${showName(group)} stands further in partition ${showName(partition)} of the source than the copy has come; ` +
      "wait until the copy has passed it";
    return refusal(this.#source, "conflict", text);
  }

  #lost(group: string, partition: string, count: number): Error {
    const text =
      `the target does not hold ${count === 1 ? "a message" : `${count} messages`} of partition ${showName(partition)} of the source that the group ${showName(group)} has not handled: ` +
      "the group stands before the start of the copy, or the retention of the target has passed it. Let the group go on at the source first";
    return refusal(this.#source, "position-out-of-range", text);
  }
}

/** Certainly: without a look at what lies between the two. */
function isWithin(place: PartitionPlace, copied: PartitionPlace | null, compare: ComparePositions): boolean {
  if (place.kind === "earliest" || copied?.kind === "ended") return true;
  if ((place.kind !== "at" && place.kind !== "after") || copied === null || !("position" in copied)) return false;
  const order = compare(place.position, copied.position);
  return order < 0 || (order === 0 && (place.kind === "at" || copied.kind === "after"));
}
