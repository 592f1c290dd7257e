import type { StoredRecord } from "../driver/record.ts";
import { encodeBookmark } from "../position/bookmark.ts";
import type { PartitionPlace } from "../position/place.ts";
import type { Gap } from "../position/range-types.ts";
import { provenanceFrom } from "../provenance.ts";
import { RecordReader } from "../replay/record-reader.ts";
import type { Bookmark } from "../tokens.ts";
import type { OpenSide } from "./side.ts";

/** The first message that is stored behind a place, and has not come from the other side; `null`: none is. */
export async function firstRecord(
  side: OpenSide,
  partition: string,
  place: PartitionPlace,
  otherId: string,
  signal: AbortSignal,
): Promise<StoredRecord | null> {
  for await (const { records } of recordsFrom(side, partition, place, signal)) {
    const first = records.find((record) => !comesFrom(otherId, record));
    if (first !== undefined) return first;
  }
  return null;
}

/** Whether the message was in the log of this id before. */
export function comesFrom(id: string, { headers }: StoredRecord): boolean {
  return provenanceFrom(id, headers) !== null;
}

/**
 * Reads what is stored behind a bookmark, up to now. `null`: all that is stored
 * @param onGap is called where retention has passed the bookmark; without it that is `position-out-of-range`
 */
export function readerBehind({ context }: OpenSide, bookmark: Bookmark | null, onGap?: (gap: Gap) => void): RecordReader {
  return new RecordReader(context, { from: bookmark === null ? "earliest" : { bookmark }, until: "now", onGap });
}

/** What is stored from a place on, up to now. @throws `position-out-of-range` where retention has passed the place, without `onGap` */
export async function* recordsFrom(
  { context, identity }: OpenSide,
  partition: string,
  place: PartitionPlace,
  signal: AbortSignal,
  onGap?: (gap: Gap) => unknown,
): ReturnType<RecordReader["batches"]> {
  if (place.kind === "ended") return;
  const bookmark = encodeBookmark(context.provider, identity, new Map([[partition, place]]));
  yield* new RecordReader(context, { from: { bookmark }, until: "now", partitions: [partition], onGap }).batches(signal);
}
