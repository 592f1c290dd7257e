import type { PartitionPlace } from "../driver/index.ts";
import { aheadText, parseAhead } from "./ahead-text.ts";
import { type GroupMove, type GroupRow, type LeaseRow, parsePlace, placeText } from "./lease-row.ts";

/** A row as columns of text, for stores that keep texts. A column that is not there is `null` in the row. */
export type Columns = Readonly<Record<string, string>>;

export function leaseColumns(row: LeaseRow): Columns {
  return withoutNull({
    groupId: row.groupId,
    partition: row.partition,
    parents: row.parents.length === 0 ? null : JSON.stringify(row.parents),
    owner: row.owner,
    epoch: String(row.epoch),
    beat: String(row.beat),
    holdMs: row.holdMs === null ? null : String(row.holdMs),
    wantedBy: row.wantedBy,
    place: placeText(row.place),
    ahead: row.ahead === null ? null : aheadText(row.ahead),
    emptyUntilMs: row.emptyUntilMs === null ? null : String(row.emptyUntilMs),
    moved: String(row.moved),
  });
}

/** @throws an error for columns that `leaseColumns` did not make */
export function leaseRowOf(columns: Columns): LeaseRow {
  const { groupId, partition, parents, owner, epoch, beat, holdMs, wantedBy, place, ahead, emptyUntilMs, moved } = columns;
  if (partition === undefined || epoch === undefined || beat === undefined || place === undefined || moved === undefined) {
    throw new SyntaxError("these are no columns of a lease");
  }
  return {
    groupId: groupId ?? null,
    partition,
    parents: parents === undefined ? [] : (JSON.parse(parents) as string[]),
    owner: owner ?? null,
    epoch: BigInt(epoch),
    beat: BigInt(beat),
    holdMs: holdMs === undefined ? null : Number(holdMs),
    wantedBy: wantedBy ?? null,
    place: parsePlace(place),
    ahead: ahead === undefined ? null : parseAhead(ahead),
    emptyUntilMs: emptyUntilMs === undefined ? null : Number(emptyUntilMs),
    moved: BigInt(moved),
  };
}

export function groupColumns(row: GroupRow): Columns {
  const { move } = row;
  return withoutNull({
    id: row.id,
    identity: JSON.stringify([row.identity.cluster, row.identity.topic, row.identity.incarnation]),
    start: placesText(row.start),
    moves: String(row.moves),
    move:
      move === null ? null : JSON.stringify([String(move.number), move.by, move.beat, placesText(move.to), move.isPlacing, move.origin]),
    attention: String(row.attention),
    origin: row.origin,
  });
}

/** @throws an error for columns that `groupColumns` did not make */
export function groupRowOf({ id, identity, start, moves, move, attention, origin }: Columns): GroupRow {
  if (id === undefined || identity === undefined || start === undefined || moves === undefined) {
    throw new SyntaxError("these are no columns of a group");
  }
  const [cluster, topic, incarnation] = JSON.parse(identity) as [string, string, string];
  return {
    id,
    identity: { cluster, topic, incarnation },
    start: placesOf(start),
    moves: BigInt(moves),
    move: move === undefined ? null : moveOf(move),
    attention: Number(attention),
    origin: origin ?? null,
  };
}

function moveOf(text: string): GroupMove {
  const [number, by, beat, to, isPlacing, origin = null] = JSON.parse(text) as [string, string, number, string, boolean, (string | null)?];
  return { number: BigInt(number), by, beat, to: placesOf(to), isPlacing, origin };
}

/** Partitions that start at the same place are written together: mostly all of them do. */
function placesText(places: ReadonlyMap<string, PartitionPlace>): string {
  const byPlace = Map.groupBy(places, ([, place]) => placeText(place));
  return JSON.stringify([...byPlace].map(([place, entries]) => [place, ...entries.map(([partition]) => partition)]));
}

function placesOf(text: string): ReadonlyMap<string, PartitionPlace> {
  const groups = JSON.parse(text) as [string, ...string[]][];
  return new Map(groups.flatMap(([place, ...partitions]) => partitions.map((partition) => [partition, parsePlace(place)] as const)));
}

function withoutNull(columns: Readonly<Record<string, string | null>>): Columns {
  const present: Record<string, string> = {};
  for (const [name, value] of Object.entries(columns)) if (value !== null) present[name] = value;
  return present;
}
