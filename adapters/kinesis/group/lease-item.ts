import { randomUUID } from "node:crypto";
import type { PartitionPlace } from "../../../src/driver/index.ts";
import { type Columns, type Held, type LeaseRow, type Version, leaseColumns, leaseRowOf } from "../../../src/leases/index.ts";
import type { Item } from "./tables.ts";

// Columns of the Kinesis Client Library: https://docs.aws.amazon.com/streams/latest/dev/shared-throughput-kcl-consumers.html#shared-throughput-kcl-consumers-leasetable
export const LEASE_KEY = "leaseKey";
export const OWNER = "leaseOwner";
export const COUNTER = "leaseCounter";
export const CHECKPOINT = "checkpoint";
export const SUB_SEQUENCE = "checkpointSubSequenceNumber";
export const PARENTS = "parentShardId";
const KIND = "entityType";
/** Everything of ours, as one text; what is handled ahead is packed in it. */
export const OURS = "streamport";

const SHARD = /^shardId-\d+$/;
const SHARD_END = "SHARD_END";
const TRIM_HORIZON = "TRIM_HORIZON";
const AT_TIMESTAMP = "AT_TIMESTAMP";
const LATEST = "LATEST";

/** What the library's clients read and write of a row. */
interface LibraryColumns {
  readonly owner: string | null;
  readonly counter: string | null;
  readonly checkpoint: string | null;
  readonly subSequence: string | null;
}

/** Our part of a row. `library`: its columns as we have written them: others mean that a client of the library was here. */
interface OwnColumns {
  readonly row: Columns;
  readonly version: string;
  readonly library: LibraryColumns;
}

/** All that is interpreted of an item: a write is made only where each of it is as it was. */
export interface Interpreted {
  readonly ours: string | null;
  readonly library: LibraryColumns;
}

/** Items of workers and coordinators, which the library keeps in the same table, are no leases. */
export function isLease(item: Item): boolean {
  const kind = item[KIND]?.S;
  return SHARD.test(item[LEASE_KEY]?.S ?? "") && item[CHECKPOINT]?.S !== undefined && (kind === undefined || kind === "LEASE");
}

/** @param adopted where a row of the library starts that names no position: `LATEST` or `AT_TIMESTAMP` */
export function heldLease(item: Item, adopted: (partition: string, kind: "latest" | "timestamp") => PartitionPlace): Held<LeaseRow> {
  const interpreted = interpretedOf(item);
  const version = versionOf(interpreted);
  const own = interpreted.ours === null ? null : (JSON.parse(interpreted.ours) as OwnColumns);
  if (own !== null && isSame(own.library, interpreted.library)) return { row: leaseRowOf(own.row), version };
  return { row: foreignRow(item, interpreted.library, own, adopted), version };
}

function interpretedOf(item: Item): Interpreted {
  return {
    ours: item[OURS]?.S ?? null,
    library: {
      owner: item[OWNER]?.S ?? null,
      counter: item[COUNTER]?.N ?? null,
      checkpoint: item[CHECKPOINT]?.S ?? null,
      subSequence: item[SUB_SEQUENCE]?.N ?? null,
    },
  };
}

export function versionOf(interpreted: Interpreted): Version {
  return JSON.stringify(interpreted);
}

export function interpretedIn(version: Version): Interpreted {
  return JSON.parse(version) as Interpreted;
}

function isSame(a: LibraryColumns, b: LibraryColumns): boolean {
  return a.owner === b.owner && a.counter === b.counter && a.checkpoint === b.checkpoint && a.subSequence === b.subSequence;
}

/**
 * A row that a client of the library has made, or has written since. Epoch and reset of ours still count, and while the checkpoint is as we have
 * written it, so does everything but the owner.
 */
function foreignRow(item: Item, library: LibraryColumns, own: OwnColumns | null, adopted: Parameters<typeof heldLease>[1]): LeaseRow {
  const partition = item[LEASE_KEY]!.S!;
  const former = own === null ? null : leaseRowOf(own.row);
  const taken = { owner: library.owner, beat: BigInt(library.counter ?? 0), holdMs: null, wantedBy: null };
  if (former !== null && own?.library.checkpoint === library.checkpoint && own.library.subSequence === library.subSequence) {
    // Without an owner it was only freed: nobody gives a sign of life.
    return library.owner === null ? { ...former, owner: null } : { ...former, ...taken };
  }
  return {
    groupId: null,
    partition,
    parents: item[PARENTS]?.SS ?? former?.parents ?? [],
    epoch: former?.epoch ?? 0n,
    place: placeOfCheckpoint(library, (kind) => adopted(partition, kind)),
    ahead: null,
    emptyUntilMs: null,
    moved: former?.moved ?? 0n,
    ...taken,
  };
}

/** A sub-sequence number counts the user records of one record from 0: what has been handled of it. */
function placeOfCheckpoint(
  { checkpoint, subSequence }: LibraryColumns,
  adopted: (kind: "latest" | "timestamp") => PartitionPlace,
): PartitionPlace {
  switch (checkpoint ?? TRIM_HORIZON) {
    case SHARD_END:
      return { kind: "ended" };
    case TRIM_HORIZON:
      return { kind: "earliest" };
    case LATEST:
      return adopted("latest");
    case AT_TIMESTAMP:
      return adopted("timestamp");
    default:
      return { kind: "after", position: `${checkpoint}/${subSequence ?? 0}` };
  }
}

/**
 * What a row is stored as next.
 * @param before `null`: there is no item yet
 * @param former what is interpreted of that item
 */
export function nextInterpreted(before: LeaseRow | null, former: Interpreted | null, next: LeaseRow): Interpreted {
  const [checkpoint, subSequence] = checkpointFor(next, before, former?.library ?? null);
  const library: LibraryColumns = { owner: next.owner, counter: String(next.beat), checkpoint, subSequence };
  const own: OwnColumns = { row: leaseColumns(next), version: randomUUID(), library };
  return { ours: JSON.stringify(own), library };
}

/**
 * The place in the words of the library, which never says more than has been handled. A place within a record, and one that names a time, has no
 * word there: then what was handled before stays, unless the group was moved.
 */
function checkpointFor(
  next: LeaseRow,
  before: LeaseRow | null,
  former: LibraryColumns | null,
): readonly [checkpoint: string, subSequence: string] {
  const { place } = next;
  if (place.kind === "ended") return [SHARD_END, "0"];
  if (place.kind === "after" && !place.position.includes("/")) return [place.position, "0"];
  const stays = before !== null && before.moved === next.moved && (before.groupId === null || before.groupId === next.groupId);
  if (stays && (place.kind === "after" || place.kind === "at") && /^\d+$/.test(former?.checkpoint ?? "")) {
    return [former!.checkpoint!, former!.subSequence ?? "0"];
  }
  return [TRIM_HORIZON, "0"];
}
