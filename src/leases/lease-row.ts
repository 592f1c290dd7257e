import type { HandledAhead, PartitionPlace, TopicIdentity } from "../driver/index.ts";

/**
 * Opaque; another one after every write, whoever wrote. A store without versions (DynamoDB) writes a random id each time, and makes
 * every write conditional on each column of the row: an edit in a console changes no version.
 */
export type Version = string;

/** A row, and the version in which it was read or written. */
export interface Held<Row> {
  readonly row: Row;
  readonly version: Version;
}

/** What is handled ahead, with the place that it belongs to, as `placeText` writes it. Beside another place it means nothing. */
export interface StoredAhead extends HandledAhead {
  readonly of: string;
}

/** The row of one partition: who owns it, and how far the group has come. */
export interface LeaseRow {
  /** `GroupRow.id` of the group that it belongs to; a row of another id is void. `null`: adopted from a foreign client. */
  readonly groupId: string | null;
  readonly partition: string;
  readonly parents: readonly string[];
  /** One id a member object; `null`: free. */
  readonly owner: string | null;
  /** Rises at each acquisition (`nextEpoch`), and is kept by a release: `Assignment.epoch`. */
  readonly epoch: bigint;
  /** Raised by each write of an owner, and by nothing else: a sign of life that no other write can imitate. */
  readonly beat: bigint;
  /** The owner's session; `null`: written by a foreign client. */
  readonly holdMs: number | null;
  /** The member that has asked for the hand-over. Acquisition clears it. */
  readonly wantedBy: string | null;
  /** Everything before it is handled; `ended` is final. */
  readonly place: PartitionPlace;
  readonly ahead: StoredAhead | null;
  /** By the service's clock, nothing was stored behind `place` until then; void when `place` changes. */
  readonly emptyUntilMs: number | null;
  /** `GroupRow.moves` when the row was placed: the number of the last reset that concerned it. */
  readonly moved: bigint;
}

/** A reset that is under way. */
export interface GroupMove {
  /** `GroupRow.moves` when it is complete. */
  readonly number: bigint;
  /** The member or administrator that carries it out. */
  readonly by: string;
  /** Raised by it while it waits: its sign of life. */
  readonly beat: number;
  /** The new places. Partitions that are not listed stay where they are. */
  readonly to: ReadonlyMap<string, PartitionPlace>;
  /** `false`: the rows are being taken, and it can be given up. `true`: rows are being placed, and it can only be completed. */
  readonly isPlacing: boolean;
  /** `GroupRow.origin` when it is complete. */
  readonly origin: string | null;
}

/** The row of a group on one topic. */
export interface GroupRow {
  /** Random, made with the row. */
  readonly id: string;
  /** The topic whose group this is. */
  readonly identity: TopicIdentity;
  /** Where each partition starts, resolved once for all of them. One that is not listed is younger, and starts at its beginning. */
  readonly start: ReadonlyMap<string, PartitionPlace>;
  /** How many resets are complete. */
  readonly moves: bigint;
  readonly move: GroupMove | null;
  /** Raised by whoever changes something that the other members should look at. */
  readonly attention: number;
  /** `StartPoint.origin` of the last move, or of the start. */
  readonly origin: string | null;
}

/** A place as text: the same text exactly for the same place. */
export function placeText(place: PartitionPlace): string {
  switch (place.kind) {
    case "at":
    case "after":
      return `${place.kind} ${place.position}`;
    case "mark":
      return `mark ${place.name}`;
    case "timestamp":
      return `timestamp ${place.timestampMs}`;
    case "earliest":
    case "latest":
    case "ended":
      return place.kind;
  }
}

/** @throws `SyntaxError` for a text that `placeText` did not make */
export function parsePlace(text: string): PartitionPlace {
  const [kind, value] = [text.split(" ", 1)[0]!, text.slice(text.indexOf(" ") + 1)];
  if ((kind === "at" || kind === "after") && text.includes(" ")) return { kind, position: value };
  if (kind === "mark" && text.includes(" ")) return { kind, name: value };
  if (kind === "timestamp" && Number.isFinite(Number(value))) return { kind, timestampMs: Number(value) };
  if (text === "earliest" || text === "latest" || text === "ended") return { kind: text };
  throw new SyntaxError("this is no place in a partition");
}

/** Where the group starts in a partition. */
export function startOf({ start }: GroupRow, partition: string): PartitionPlace {
  return start.get(partition) ?? { kind: "earliest" };
}

/**
 * The row as the last reset has placed it: one that was made beside the reset, and that the reset did not see, is where the group
 * starts.
 */
export function placedRow(row: LeaseRow, group: GroupRow): LeaseRow {
  if (row.moved >= group.moves) return row;
  return { ...row, place: startOf(group, row.partition), ahead: null, emptyUntilMs: null, moved: group.moves };
}

/** The row without its owner. */
export function freedRow(row: LeaseRow): LeaseRow {
  return { ...row, owner: null, beat: row.beat + 1n };
}

/**
 * The epoch of the next owner. It is at least the time, in microseconds: a row that an operator has deleted, and that is made again, does
 * not bring back the epochs of former owners.
 */
export function nextEpoch({ epoch }: LeaseRow, wallMs: number): bigint {
  const time = BigInt(Math.floor(wallMs * 1_000));
  return epoch < time ? time : epoch + 1n;
}

/** Does the row belong to the group? A row of a deleted group does not. */
export function isOfGroup({ groupId }: LeaseRow, { id }: GroupRow): boolean {
  return groupId === null || groupId === id;
}
