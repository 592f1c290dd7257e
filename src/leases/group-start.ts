import { type PartitionPlace, type StartPoint, StreamError, type TopicIdentity } from "../driver/index.ts";
import type { PartitionSource, TopicShape } from "../adapter-kit/partition-source.ts";
import { adoptedStart } from "./adopted-start.ts";
import { type GroupRow, type Held, type LeaseRow, isOfGroup, startOf } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";

export interface GroupStartParts {
  readonly store: LeaseStore;
  readonly newId: () => string;
  /** Where a new group starts, in all partitions. @throws `not-found` where it must not be created */
  resolve(signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>>;
  /** `GroupRow.origin` of a new group. @default none */
  readonly origin?: string | null | undefined;
  /** Puts a group whose topic was deleted and created again into the new one. @default false: it is refused */
  readonly replacesFormer?: boolean | undefined;
}

/**
 * The row of the group. Creates it where there is none: one write decides where the group starts in all partitions, so that two first members
 * cannot mix two meanings of "latest". In a table of foreign clients their rows are the start.
 * @throws as `resolve` · `conflict` where the store belongs to a group of another topic · `position-mismatch` as `requireSameIncarnation`
 */
export async function startGroup(
  parts: GroupStartParts,
  { identity, partitions }: TopicShape,
  signal: AbortSignal,
): Promise<Held<GroupRow>> {
  const { store, newId } = parts;
  for (;;) {
    const found = await store.readGroup(signal);
    if (found !== null) requireSameTopic(found.row, identity);
    if (found?.row.identity.incarnation === identity.incarnation) return found;
    if (found !== null && parts.replacesFormer !== true) requireSameIncarnation(found.row, identity);
    const foreign = found === null ? await adoptedStart(store, partitions, signal) : new Map<string, PartitionPlace>();
    const start = foreign.size > 0 ? foreign : await parts.resolve(signal);
    const row: GroupRow = { id: newId(), identity, start, moves: 0n, move: null, attention: 0, origin: parts.origin ?? null };
    const version = await store.writeGroup(found, row, signal);
    if (version !== null) return { row, version };
  }
}

/** As a member starts a group. */
export function startAt(initial: StartPoint | "fail", source: PartitionSource, topic: string): GroupStartParts["resolve"] {
  return async (signal) => {
    if (initial !== "fail") return source.resolve(initial, signal);
    throw new StreamError("not-found", "the group does not exist, and this member must not create it", { topic });
  };
}

/** @throws `conflict` */
export function requireSameTopic({ identity }: GroupRow, here: TopicIdentity): void {
  if (identity.cluster === here.cluster && identity.topic === here.topic) return;
  throw new StreamError(
    "conflict",
    `the store of this group belongs to a group of topic ${JSON.stringify(identity.topic)}; give the group another native name`,
    { topic: here.topic },
  );
}

/**
 * The places of a group mean nothing in a topic that was deleted and created again. Where the group is to go on there, nobody can know: what is
 * stored there would be skipped by "latest" without a word.
 * @throws `position-mismatch`
 */
export function requireSameIncarnation({ identity }: GroupRow, here: TopicIdentity): void {
  if (identity.incarnation === here.incarnation) return;
  throw new StreamError(
    "position-mismatch",
    "the positions of this group belong to a former topic of this name, which was deleted: resetGroup puts the group into the new one, and after deleteGroup it begins anew",
    { topic: here.topic },
  );
}

/** The row of a partition in which the group has not begun. */
export function firstRow(group: GroupRow, partition: string, parents: readonly string[]): LeaseRow {
  return {
    groupId: group.id,
    partition,
    parents,
    owner: null,
    epoch: 0n,
    beat: 0n,
    holdMs: null,
    wantedBy: null,
    place: startOf(group, partition),
    ahead: null,
    emptyUntilMs: null,
    moved: group.moves,
  };
}

/** Creates the row of a partition, unless it is there. A void row of a former group gives way. @throws where the outcome is unknown */
export async function createRow(
  store: LeaseStore,
  group: GroupRow,
  row: LeaseRow,
  found: Held<LeaseRow> | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (found === undefined) await store.create(row, signal);
  else if (!isOfGroup(found.row, group)) await store.swap(found, { ...row, epoch: found.row.epoch }, signal);
}
