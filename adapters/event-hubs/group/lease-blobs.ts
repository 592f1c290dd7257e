import type { PartitionPlace } from "../../../src/driver/index.ts";
import { type LeaseRow, leaseColumns, leaseRowOf } from "../../../src/leases/index.ts";
import { eventHubsError } from "../errors.ts";
import { parsePosition, positionOf } from "../records.ts";
import type { FoundBlob, Metadata } from "./blob-calls.ts";

/** Our own field of metadata, beside those that the processors of all SDKs share. They replace all metadata: it is missing where one of them has written last. */
const OWN = "streamport";

/** The ownership blob: `ownerid` as the processors write it, and the whole row in our own field. */
export function ownershipMetadata(row: LeaseRow): Metadata {
  return { ownerid: row.owner ?? "", [OWN]: JSON.stringify(leaseColumns(row)) };
}

/** The checkpoint blob: what is handled last, as the processors write it, and in our own field the row when it was written. */
export function checkpointMetadata(row: LeaseRow): Metadata {
  return { ...officialPlace(row.place), [OWN]: JSON.stringify(leaseColumns({ ...row, owner: null, wantedBy: null, holdMs: null })) };
}

/** Processors resume behind an event. They know no other places, so that those are in our own field only. */
function officialPlace(place: PartitionPlace): Metadata {
  if (place.kind !== "after" && place.kind !== "at") return {};
  const { sequenceNumber, offset } = parsePosition(place.position);
  if (place.kind === "at") return sequenceNumber === 0 ? {} : { sequencenumber: String(sequenceNumber - 1) };
  return { sequencenumber: String(sequenceNumber), ...(offset === null ? {} : { offset }) };
}

/** What a checkpoint says of the row. */
type Progress = Pick<LeaseRow, "groupId" | "epoch" | "place" | "ahead" | "emptyUntilMs" | "moved">;

/** Does a checkpoint have to be written when the row changes so? */
export function isProgress(before: Progress, next: Progress): boolean {
  const textOf = ({ groupId, place, ahead, emptyUntilMs, moved }: Progress): string =>
    JSON.stringify([groupId, place, ahead, emptyUntilMs, String(moved)]);
  return textOf(before) !== textOf(next);
}

/**
 * The row of a partition as both blobs show it: who owns it by the ownership, and how far the group is by the checkpoint, whoever has written them.
 * @param moves how many resets the group has seen: a foreign place is younger than all of them. `null`: the group does not exist
 * @param found where the checkpoint stands if `onlyOffsetOf` it is not `null`
 * @returns `null`: there is no row
 * @throws `configuration` for a checkpoint that names no event
 */
export function rowOf(
  partition: string,
  ownership: FoundBlob | null,
  checkpoint: FoundBlob | null,
  moves: bigint | null,
  found: PartitionPlace | null = null,
): LeaseRow | null {
  const owner = ownership?.metadata["ownerid"] ?? "";
  const written = ownRow(ownership);
  const lease = written !== null && (written.owner ?? "") === owner ? written : null;
  const progress = progressOf(checkpoint, lease, moves, found);
  if (lease !== null) return progress === null ? lease : { ...lease, ...progress, groupId: lease.groupId, epoch: lease.epoch };
  // An ownership without a checkpoint: where the group starts. The row is from before all resets, so that it is placed there.
  const unplaced = ownership?.metadata["ownerid"] === undefined || moves === null ? null : UNPLACED;
  const foreign = progress ?? unplaced;
  if (foreign === null) return null;
  const free = { owner: owner === "" ? null : owner, holdMs: null, wantedBy: null };
  // A foreign owner renews by writing.
  return { ...foreign, ...free, partition, parents: [], beat: BigInt(ownership?.modifiedMs ?? 0) };
}

const UNPLACED: Progress = { groupId: null, epoch: 0n, place: { kind: "earliest" }, ahead: null, emptyUntilMs: null, moved: -1n };

/** @param lease what the ownership says: a checkpoint of another group is none of its own */
function progressOf(
  checkpoint: FoundBlob | null,
  lease: LeaseRow | null,
  moves: bigint | null,
  found: PartitionPlace | null,
): Progress | null {
  const own = ownRow(checkpoint);
  if (own !== null) {
    if (lease !== null && own.groupId !== lease.groupId) return null;
    const { groupId, epoch, place, ahead, emptyUntilMs, moved } = own;
    return { groupId, epoch, place, ahead, emptyUntilMs, moved };
  }
  if (checkpoint === null || !isCheckpoint(checkpoint)) return null;
  return { groupId: null, epoch: 0n, place: found ?? placeOf(checkpoint), ahead: null, emptyUntilMs: null, moved: moves ?? 0n };
}

/** `null`: another client has written the blob. */
function ownRow(blob: FoundBlob | null): LeaseRow | null {
  const text = blob?.metadata[OWN];
  return text === undefined ? null : leaseRowOf(JSON.parse(text) as Metadata);
}

/** Has another client taken out the owner? */
export function isFreed(ownership: FoundBlob | null): boolean {
  return ownership?.metadata["ownerid"] === "" && ownRow(ownership) === null;
}

/** Lists also contain directories. */
function isCheckpoint({ metadata }: FoundBlob): boolean {
  return metadata["sequencenumber"] !== undefined || metadata["offset"] !== undefined;
}

/**
 * What processors write where they know none: nothing, the minimum of a long (.NET: https://github.com/Azure/azure-sdk-for-net/issues/41911), or the text of
 * their word for it (Python).
 */
const NONE = /^(?:-\d+|none|null)$/i;
const SEQUENCE_NUMBER = /^\d{1,15}$/;
const OFFSET = /^[!-~]{1,200}$/;

function offsetIn({ metadata: { offset = "" } }: FoundBlob): string | undefined {
  return OFFSET.test(offset) && !NONE.test(offset) ? offset : undefined;
}

/** The offset of a checkpoint of another client that has no sequence number beside it; `null`: any other checkpoint. */
export function onlyOffsetOf(checkpoint: FoundBlob | null): string | null {
  if (checkpoint === null || ownRow(checkpoint) !== null || SEQUENCE_NUMBER.test(checkpoint.metadata["sequencenumber"] ?? "")) return null;
  return offsetIn(checkpoint) ?? null;
}

/** By the sequence number: an offset may be missing, or of before a failover. @throws `configuration` */
function placeOf(checkpoint: FoundBlob): PartitionPlace {
  const { sequencenumber = "" } = checkpoint.metadata;
  if (SEQUENCE_NUMBER.test(sequencenumber)) return { kind: "after", position: positionOf(Number(sequencenumber), offsetIn(checkpoint)) };
  const text = `the checkpoint ${checkpoint.name} has neither a sequence number nor an offset to resume at: give it one, or delete it`;
  throw eventHubsError("configuration", text);
}
