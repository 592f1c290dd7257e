import { randomUUID } from "node:crypto";
import type { PartitionPlace } from "../../../src/driver/index.ts";
import { type Columns, type Held, type LeaseRow, type Version, leaseColumns, leaseRowOf } from "../../../src/leases/index.ts";
import type { Item } from "./tables.ts";

// Columns of the Kinesis Client Library: https://docs.aws.amazon.com/streams/latest/dev/shared-throughput-kcl-consumers.html#shared-throughput-kcl-consumers-leasetable
export const LEASE_KEY = "leaseKey";
const OWNER = "leaseOwner";
const COUNTER = "leaseCounter";
const CHECKPOINT = "checkpoint";
const SUB_SEQUENCE = "checkpointSubSequenceNumber";
const PARENTS = "parentShardId";
const SWITCHES = "ownerSwitchesSinceCheckpoint";
const KIND = "entityType";
/** Everything of ours, as one text; what is handled ahead is packed in it. */
const OURS = "streamport";

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
interface Interpreted {
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
  const version: Version = JSON.stringify(interpreted);
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

/** A row as it is stored next. */
export interface NextLease {
  readonly version: Version;
  /** Without the key. */
  readonly columns: Item;
  /** Columns that are not there then. */
  readonly removed: readonly string[];
}

/** @param before `null`: there is no item yet */
export function nextLease(before: Held<LeaseRow> | null, next: LeaseRow): NextLease {
  const former = before === null ? null : (JSON.parse(before.version) as Interpreted).library;
  const [checkpoint, subSequence] = checkpointFor(next, before?.row ?? null, former);
  const library: LibraryColumns = { owner: next.owner, counter: String(next.beat), checkpoint, subSequence };
  const own: OwnColumns = { row: leaseColumns(next), version: randomUUID(), library };
  const ours = JSON.stringify(own);
  const isNew = before === null;
  return {
    version: JSON.stringify({ ours, library } satisfies Interpreted),
    columns: {
      [COUNTER]: { N: library.counter! },
      [CHECKPOINT]: { S: checkpoint },
      [SUB_SEQUENCE]: { N: subSequence },
      [OURS]: { S: ours },
      ...(next.owner === null ? {} : { [OWNER]: { S: next.owner } }),
      ...(isNew ? { [SWITCHES]: { N: "0" } } : {}),
      ...(isNew && next.parents.length > 0 ? { [PARENTS]: { SS: [...next.parents] } } : {}),
    },
    removed: next.owner === null ? [OWNER] : [],
  };
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

/** The condition that each interpreted column is as it was. */
export function conditionOf(version: Version): {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, { S: string } | { N: string }>;
} {
  const { ours, library } = JSON.parse(version) as Interpreted;
  const expected: readonly (readonly [column: string, type: "S" | "N", value: string | null])[] = [
    [OURS, "S", ours],
    [OWNER, "S", library.owner],
    [COUNTER, "N", library.counter],
    [CHECKPOINT, "S", library.checkpoint],
    [SUB_SEQUENCE, "N", library.subSequence],
  ];
  const terms = expected.map(([, , value], index) => (value === null ? `attribute_not_exists(#c${index})` : `#c${index} = :c${index}`));
  return {
    ConditionExpression: ["attribute_exists(#key)", ...terms].join(" AND "),
    ExpressionAttributeNames: { "#key": LEASE_KEY, ...Object.fromEntries(expected.map(([column], index) => [`#c${index}`, column])) },
    ExpressionAttributeValues: Object.fromEntries(
      expected.flatMap(([, type, value], index) => (value === null ? [] : [[`:c${index}`, type === "S" ? { S: value } : { N: value }]])),
    ),
  };
}
