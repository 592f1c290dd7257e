import type { RecordContext } from "../../consume/record-handler.ts";
import { StreamError, isStreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import { acceptGap } from "../../position/accept-gap.ts";
import type { PositionPlace } from "../../position/place.ts";
import type { MessageSource } from "../../position/position.ts";
import type { Gap } from "../../position/range-types.ts";
import { sourceIdOf } from "../../provenance.ts";
import { partitionHash, placeHash } from "../digest/place-hash.ts";
import type { RecordDigests } from "../digest/record-digests.ts";
import { recordsFrom } from "../records-from.ts";
import { resolveRange } from "../resolve-range.ts";
import type { OpenSide } from "../side.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint.ts";
import { cutAndWrittenAnew } from "./cut-source.ts";
import type { HeldMessages, HeldMessagesReader } from "./held-messages.ts";
import { ordinalAt } from "./ordinal-at.ts";
import type { PartitionStart } from "./partition-copy.ts";
import { furtherPlace } from "./place-order.ts";

/** What a start needs. */
export interface StartParts {
  readonly source: OpenSide;
  readonly target: OpenSide;
  readonly checkpoints: CheckpointStore | null;
  readonly held: HeldMessagesReader;
  readonly digests: RecordDigests;
  /** As in `CopyOptions`. */
  readonly onGap: ((gap: Gap) => unknown) | undefined;
}

/**
 * Finds out how far the copy has come in a partition: from the checkpoint, the place of the group, and what the target holds.
 * @throws `position-mismatch` for a topic that was created anew · `position-out-of-range` where the source or the target has lost what is needed · `corrupt`
 */
export async function startPartition(
  parts: StartParts,
  { source, start }: Pick<RecordContext, "source" | "start">,
  signal: AbortSignal,
): Promise<PartitionStart> {
  const { context, id, compare } = parts.source;
  const { partition, provider, identity } = source;
  if (sourceIdOf(provider, identity) !== id) throw createdAnew("source", parts.source);
  const checkpoint = (await parts.checkpoints?.read(partition)) ?? null;
  if (checkpoint !== null) requireSameTopics(checkpoint, parts);
  const isOrdered = context.capabilities.orderingUnit === "partition";
  const stored: PositionPlace | null =
    checkpoint === null || checkpoint.place === null ? null : { kind: "after", position: checkpoint.place };
  if (stored !== null) await requireStillThere(parts, source, stored, signal);
  const further = isOrdered ? furtherPlace(start, stored, compare) : null;
  const isByCheckpoint = further !== null && further === stored;
  // What lies between the group and a checkpoint that cannot be compared with the log is looked for in the target.
  const isComparable = !isByCheckpoint || (await isStillTheSame(parts, source, checkpoint!, signal));
  const place = isComparable ? further : furtherPlace(start, null, compare);
  const comparable = isComparable ? checkpoint : null;
  const found = await parts.held.find(partition, comparable?.targetBookmark ?? null, place);
  const count = async (held: Pick<HeldMessages, "last" | "messages">): Promise<bigint> => ordinalAt(parts, source, place, held, signal);
  return {
    place,
    digest: isByCheckpoint ? (comparable?.digest ?? null) : null,
    ordinal: isOrdered ? await lastOrdinal(comparable, isByCheckpoint, found, count) : null,
    held: found.messages,
    lastByKey: found.lastByKey,
    keylessTo: found.keylessTo ?? checkpoint?.keylessTo ?? null,
    hasKeys: checkpoint?.sourcePartitions !== undefined || checkpoint?.targetPartitions !== undefined,
  };
}

/** The ordinal of the last message up to the place. @param isByCheckpoint the place is that of the checkpoint */
async function lastOrdinal(
  checkpoint: Checkpoint | null,
  isByCheckpoint: boolean,
  { last, messages, hasGap }: HeldMessages,
  count: (held: Pick<HeldMessages, "last" | "messages">) => Promise<bigint>,
): Promise<bigint> {
  if (checkpoint === null) return count({ last, messages });
  const known = BigInt(checkpoint.ordinal);
  if (last !== null && last.ordinal > known) return last.ordinal;
  if (isByCheckpoint || !hasGap || checkpoint.place === null) return known;
  // What was copied between the checkpoint and the place of the group is gone, with its ordinals.
  return count({ last: { position: checkpoint.place, ordinal: known }, messages });
}

function requireSameTopics(checkpoint: Checkpoint, { source, target }: StartParts): void {
  if (checkpoint.source !== source.id) throw createdAnew("source", source);
  if (checkpoint.target !== target.id) throw createdAnew("target", target);
}

function createdAnew(side: "source" | "target", { context }: OpenSide): StreamError {
  const { provider, topic } = context;
  const text =
    `the ${side} ${showName(topic)} is not the topic that the copy began with: it was deleted and created again, or the checkpoints belong to another copy. ` +
    "To begin anew, use another group and another place for checkpoints";
  return new StreamError("position-mismatch", text, { provider, topic, operation: "copy" });
}

/** Whether the source has the message of the checkpoint: compaction may have removed it, or retention, where that is accepted. @throws `position-out-of-range` where it has another one there */
async function isStillTheSame(parts: StartParts, source: MessageSource, checkpoint: Checkpoint, signal: AbortSignal): Promise<boolean> {
  if (!parts.source.context.capabilities.startAtPosition) return false;
  const { place, digest } = checkpoint;
  const at = { kind: "at", position: place! } as const;
  for await (const { records } of recordsFrom(parts.source, source.partition, at, signal, parts.onGap)) {
    const first = records[0];
    if (first === undefined) continue;
    if (first.position !== place) return false;
    if (parts.digests.of(placeHash(partitionHash(source.partition), place), first) !== digest)
      throw cutAndWrittenAnew(source, first.position);
    return true;
  }
  return false;
}

/**
 * What was stored last may be gone by now, but nothing behind it, unless that is accepted.
 * @throws `position-out-of-range` for a gap, and for a log that was cut
 */
async function requireStillThere(
  { source: side, onGap }: StartParts,
  source: MessageSource,
  place: PositionPlace,
  signal: AbortSignal,
): Promise<void> {
  if (!side.context.capabilities.startAtPosition) return;
  const { partition } = source;
  const request = { from: { kind: "position", partition, place }, until: null, partitions: [partition] } as const;
  const range = await resolveRange(side, "copy", request, signal);
  const gap = range.partitions.find((one) => one.partition === partition)?.gap ?? null;
  if (gap === null) return;
  if (onGap !== undefined) return acceptGap("reader", source, gap, onGap);
  const { provider, topic } = source;
  const text =
    "the retention of the source has passed the checkpoint of this partition: what lay behind it may never have been copied. " +
    "If another copier has copied it, with checkpoints of its own, give those, or remove this checkpoint. To give it up, allow that (--accept-removed, in the library `onGap`)";
  const cause: unknown = await acceptGap("reader", source, gap, undefined).catch((refused: unknown) => refused);
  const position = isStreamError(cause) ? cause.position : undefined;
  throw new StreamError("position-out-of-range", text, { provider, topic, partition, position, operation: "copy", cause });
}
