import { isStreamError } from "../../errors.ts";
import type { PartitionPlace, PositionPlace } from "../../position/place.ts";
import type { MessageSource } from "../../position/position.ts";
import type { Gap } from "../../position/range-types.ts";
import { comesFrom, recordsFrom } from "../records-from.ts";
import { resolveRange } from "../resolve-range.ts";
import type { OpenSide } from "../side.ts";
import type { HeldMessages } from "./held-messages.ts";
import { isBehind } from "./place-order.ts";
import { missingInTarget } from "./missing-in-target.ts";

/** Ordinals by the clock count microseconds from here: more than any partition gets messages. */
const CLOCK_BEGINS_MS = Date.UTC(2025, 0, 1);

/**
 * The ordinal of the last message up to the place, where no checkpoint tells it: counted from a message that the target still holds. Where it holds none,
 * although the copy has been here, its retention has removed them: then no former message can have had the number.
 * @throws `position-out-of-range` where less was copied than lies between the place and what the target holds behind it
 */
export async function ordinalAt(
  { source, target, onGap }: { readonly source: OpenSide; readonly target: OpenSide; readonly onGap: ((gap: Gap) => unknown) | undefined },
  of: MessageSource,
  place: PositionPlace | null,
  { last, messages }: Pick<HeldMessages, "last" | "messages">,
  signal: AbortSignal,
): Promise<bigint> {
  const { compare } = source;
  const countTo = async (from: PartitionPlace, isReached: (position: string) => boolean, accepts?: typeof onGap): Promise<bigint> => {
    let count = 0n;
    for await (const { records } of recordsFrom(source, of.partition, from, signal, accepts)) {
      for (const record of records) {
        if (isReached(record.position)) return count;
        if (!comesFrom(target.id, record)) count += 1n;
      }
    }
    return count;
  };
  if (last !== null) {
    const behind = await unlessUnreadable(
      countTo({ kind: "after", position: last.position }, (position) => isBehind(position, place!, compare)),
    );
    if (behind !== null) return last.ordinal + behind;
  }
  let first: string | null = null;
  for (const position of messages.keys()) if (first === null || compare(position, first) < 0) first = position;
  if (first !== null) {
    // What retention has removed before it gets no ordinal any more.
    const before = await countTo(place ?? { kind: "earliest" }, (position) => compare(position, first) >= 0, onGap);
    const ordinal = BigInt(messages.get(first)!.ordinal!) - 1n - before;
    if (ordinal < 0n) throw missingInTarget(of, first, target);
    return ordinal;
  }
  if (last === null && (await isBeginning(source, of, place, signal))) return 0n;
  return BigInt(Math.round((Date.now() - CLOCK_BEGINS_MS) * 1_000));
}

/** `null`: retention has passed the place, or something cannot be read that the group was put behind. */
async function unlessUnreadable(counted: Promise<bigint>): Promise<bigint | null> {
  try {
    return await counted;
  } catch (error) {
    if (isStreamError(error, "position-out-of-range") || isStreamError(error, "corrupt")) return null;
    throw error;
  }
}

/** Whether the source has, or as far as its positions tell ever had, nothing before the place: the copy begins. */
async function isBeginning(
  source: OpenSide,
  { partition }: MessageSource,
  place: PositionPlace | null,
  signal: AbortSignal,
): Promise<boolean> {
  if (place === null) return true;
  const { driver } = source.context;
  if (driver.isFirst !== undefined) return place.kind === "at" && driver.isFirst(place.position);
  const request = { from: { kind: "earliest" }, until: null, partitions: [partition] } as const;
  const { partitions } = await resolveRange(source, "copy", request, signal);
  const start = partitions.find((one) => one.partition === partition)?.start;
  return start?.kind === "at" && isBehind(start.position, place, source.compare);
}
