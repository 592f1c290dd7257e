import { randomUUID } from "node:crypto";
import { type HandledAhead, type PartitionPlace, type StartPoint, StreamError, type TopicIdentity } from "../driver/index.ts";
import { BoundedStore } from "./bounded-store.ts";
import { Expiry } from "./expiry.ts";
import { aheadOf, fitAhead } from "./fit-ahead.ts";
import { GroupMover } from "./group-move.ts";
import { createRow, firstRow, requireSameIncarnation, requireSameTopic, startGroup } from "./group-start.ts";
import { inParallel } from "../adapter-kit/in-parallel.ts";
import type { LeaseGroupParts } from "./lease-consumer.ts";
import { type GroupRow, type Held, type LeaseRow, isOfGroup, placeText, placedRow } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";
import { type LeaseTimes, leaseTimes } from "./lease-times.ts";
import { persist, requireRepeatable } from "./persist.ts";

/** A group as its rows show it. */
export interface LeaseGroupDescription {
  readonly identity: TopicIdentity;
  /** How many members own rows and have shown a sign of life. A member that owns nothing is not seen. */
  readonly members: number;
  readonly places: ReadonlyMap<string, PartitionPlace>;
  /** What is handled ahead of the places, where something is. */
  readonly ahead: ReadonlyMap<string, HandledAhead>;
}

/** How far a group has come in one partition. */
export interface LeaseProgress {
  readonly place: PartitionPlace;
  readonly ahead: HandledAhead | null;
}

/** Administration of one group by leases. Each method is one action; what can be retried it throws, unless it has begun to move the group. */
export interface LeaseAdmin {
  /**
   * Waits until each owner has shown a sign of life, or has expired: some seconds where there are members. `null`: there is no group.
   * @throws, as the next two, `position-mismatch` where the topic was deleted and created again, and the group has not been reset since
   */
  describe(signal: AbortSignal): Promise<LeaseGroupDescription | null>;
  /** The place of the group in each partition that has a row, without a look at the members. `null`: there is no group. */
  places(signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace> | null>;
  /** As `places`, with what is handled ahead of each place: what a lag is counted from. */
  progress(signal: AbortSignal): Promise<ReadonlyMap<string, LeaseProgress> | null>;
  /** Where `reset` would put the group. @throws as the source's `resolve` */
  plan(to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>>;
  /** Moves the group, or creates it. @throws `conflict` while a member lives, or another reset is under way */
  reset(to: StartPoint, signal: AbortSignal): Promise<void>;
  /** Deletes the group. @throws `not-found` · `conflict` while a member lives, or a reset is under way */
  remove(signal: AbortSignal): Promise<void>;
}

const HOLD_MS = 10_000;

/** @param holdMs the session of the administrator while it moves a group: how long others wait before they complete what it has left. @default 10_000 */
export function leaseAdmin(parts: LeaseGroupParts, holdMs = HOLD_MS): LeaseAdmin {
  return new StoreAdmin(parts, leaseTimes(holdMs, parts.renewMs));
}

class StoreAdmin implements LeaseAdmin {
  readonly #parts: LeaseGroupParts;
  readonly #times: LeaseTimes;
  readonly #store: LeaseStore;
  readonly #newId: () => string;

  constructor(parts: LeaseGroupParts, times: LeaseTimes) {
    this.#parts = parts;
    this.#times = times;
    this.#store = new BoundedStore(parts, times.requestMs);
    this.#newId = parts.newId ?? randomUUID;
  }

  async describe(signal: AbortSignal): Promise<LeaseGroupDescription | null> {
    const group = await this.#current(signal);
    if (group === null) return null;
    const { clock, watchMs } = this.#parts;
    const expiry = new Expiry(clock, this.#times);
    for (;;) {
      const startedMs = clock.nowMs();
      const listed = await this.#store.list(signal);
      expiry.observe(listed, startedMs);
      const rows = listed.filter(({ row }) => isOfGroup(row, group.row)).map(({ row }) => row);
      const owners = new Set(rows.flatMap((row) => (row.owner === null || expiry.isExpired(row) ? [] : [row.owner])));
      const isCertain = [...owners].every((owner) => expiry.hasShownLife(owner));
      if (isCertain) {
        const places = placesOf(group.row, rows);
        return { identity: group.row.identity, members: owners.size, places, ahead: aheadOfRows(places, rows) };
      }
      await clock.sleep(Math.min(watchMs, this.#times.renewMs / 2), signal);
    }
  }

  async places(signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace> | null> {
    const progress = await this.progress(signal);
    return progress === null ? null : new Map([...progress].map(([partition, { place }]) => [partition, place]));
  }

  async progress(signal: AbortSignal): Promise<ReadonlyMap<string, LeaseProgress> | null> {
    const group = await this.#current(signal);
    if (group === null) return null;
    const rows = (await this.#store.list(signal)).map(({ row }) => row).filter((row) => isOfGroup(row, group.row));
    const places = placesOf(group.row, rows);
    const ahead = aheadOfRows(places, rows);
    return new Map([...places].map(([partition, place]) => [partition, { place, ahead: ahead.get(partition) ?? null }]));
  }

  /** The row of the group, and the topic as it is now: the row may belong to a former one of the name. */
  async #group(signal: AbortSignal): Promise<{ readonly group: Held<GroupRow> | null; readonly here: TopicIdentity }> {
    const [group, { identity: here }] = await Promise.all([this.#store.readGroup(signal), this.#parts.source.describe(signal)]);
    if (group !== null) requireSameTopic(group.row, here);
    return { group, here };
  }

  /** @throws `position-mismatch` */
  async #current(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const { group, here } = await this.#group(signal);
    if (group !== null) requireSameIncarnation(group.row, here);
    return group;
  }

  /** The group that a reset moves. One of a former topic begins in the new one. */
  async #movable(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const { group, here } = await this.#group(signal);
    return group?.row.identity.incarnation === here.incarnation ? group : null;
  }

  async plan(to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#placesFor(to, (await this.#movable(signal)) !== null, signal);
  }

  /** A group that is moved to a position of one partition stays where it is in the others. */
  async #placesFor(to: StartPoint, isStarted: boolean, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const places = await this.#parts.source.resolve(to, signal);
    if (to.kind !== "position" || !isStarted) return places;
    return new Map([...places].filter(([partition]) => partition === to.partition));
  }

  async reset(to: StartPoint, signal: AbortSignal): Promise<void> {
    const found = await this.#movable(signal);
    const places = await this.#placesFor(to, found !== null, signal);
    const origin = to.kind === "places" ? (to.origin ?? null) : null;
    const existing = found ?? (await this.#create(places, origin, signal));
    if (existing !== null) await this.#moveTo(existing, places, origin, signal);
    if (to.kind === "places" && to.ahead !== undefined && to.ahead.size > 0) await this.#storeAhead(places, to.ahead, signal);
  }

  async #moveTo(
    existing: Held<GroupRow>,
    places: ReadonlyMap<string, PartitionPlace>,
    origin: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    const mover = this.#mover(signal);
    const begun = await mover.begin(await this.#withoutMove(existing, signal), places, origin);
    if (begun === null) throw conflict(existing.row, "another reset of the group is under way");
    await mover.complete(begun);
  }

  /** A row that a member has taken meanwhile is left alone: then what is handled ahead comes again. */
  async #storeAhead(
    places: ReadonlyMap<string, PartitionPlace>,
    ahead: ReadonlyMap<string, HandledAhead>,
    signal: AbortSignal,
  ): Promise<void> {
    const { source } = this.#parts;
    const [group, { partitions }] = await Promise.all([this.#store.readGroup(signal), source.describe(signal)]);
    if (group === null) return;
    const shapes = new Map(partitions.map((shape) => [shape.partition, shape]));
    const compare = (a: string, b: string): number => source.compare(a, b);
    await inParallel([...ahead], async ([partition, handled]) => {
      const shape = shapes.get(partition);
      const place = places.get(partition);
      if (shape === undefined || place === undefined) return;
      const kept = fitAhead(place, handled, this.#store.aheadBytes, { stored: null, compare });
      const found = await this.#store.read(partition, signal);
      if (found === null || !isOfGroup(found.row, group.row)) {
        await createRow(
          this.#store,
          group.row,
          { ...firstRow(group.row, partition, shape.parents), place, ahead: kept },
          found ?? undefined,
          signal,
        );
      } else if (found.row.owner === null && placeText(placedRow(found.row, group.row).place) === placeText(place)) {
        await this.#store.swap(found, { ...placedRow(found.row, group.row), ahead: kept }, signal);
      }
    });
  }

  /** @returns the group where it stands elsewhere now, because rows of a foreign client were there; else `null` */
  async #create(places: ReadonlyMap<string, PartitionPlace>, origin: string | null, signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const id = this.#newId();
    const starting = { store: this.#store, newId: () => id, resolve: async () => places, origin, replacesFormer: true };
    const created = await startGroup(starting, await this.#parts.source.describe(signal), signal);
    if (created.row.id !== id) throw conflict(created.row, "a member has started the group at the same time");
    return created.row.start === places ? null : created;
  }

  #mover(signal: AbortSignal): GroupMover {
    const { clock, watchMs } = this.#parts;
    return new GroupMover({ store: this.#store, clock, times: this.#times, watchMs, by: this.#newId() }, signal);
  }

  /** Completes a move that its mover has left. @throws `conflict` where its mover lives */
  async #withoutMove(group: Held<GroupRow>, signal: AbortSignal): Promise<Held<GroupRow>> {
    const { clock, watchMs } = this.#parts;
    const sinceMs = clock.nowMs();
    let found: Held<GroupRow> | null = group;
    while (found !== null && found.row.move !== null) {
      if (found.row.move.by !== group.row.move?.by || found.row.move.beat !== group.row.move.beat) {
        throw conflict(group.row, "another reset of the group is under way");
      }
      if (clock.nowMs() - sinceMs >= this.#times.holdMs + this.#times.marginMs) {
        const mover = this.#mover(signal);
        const taken = await mover.takeOver(found);
        if (taken !== null) await mover.complete(taken);
      } else await clock.sleep(watchMs, signal);
      found = await this.#store.readGroup(signal);
    }
    if (found === null) throw conflict(group.row, "the group was deleted at the same time");
    return found;
  }

  async remove(signal: AbortSignal): Promise<void> {
    const { group: existing } = await this.#group(signal);
    if (existing === null) throw new StreamError("not-found", "the group does not exist");
    const mover = this.#mover(signal);
    const begun = await mover.begin(await this.#withoutMove(existing, signal), new Map(), null);
    if (begun === null) throw conflict(existing.row, "a reset of the group is under way");
    await this.#removeGroup(await mover.takeAll(begun), signal);
    await this.#removeRows(existing.row, signal);
  }

  /** Another attempt would have to wait until this one has expired, so what can be repeated is repeated here. */
  async #removeGroup(taken: Held<GroupRow>, signal: AbortSignal): Promise<void> {
    let mayBeRemoved = false;
    let group: Held<GroupRow> | null = taken;
    while (group !== null) {
      try {
        if (await this.#store.removeGroup(group, signal)) return;
      } catch (error) {
        requireRepeatable(error, signal);
        mayBeRemoved = true;
      }
      group = await this.#persist(() => this.#store.readGroup(signal), signal);
      // A member has started another group of the name.
      if (mayBeRemoved && group?.row.id !== taken.row.id) return;
      if (group !== null && (group.row.id !== taken.row.id || group.row.move?.by !== taken.row.move?.by)) {
        throw conflict(taken.row, "the group is moved by somebody else at the same time");
      }
    }
  }

  /** Rows without their group are void, so that it does not matter when they go. Another attempt would not find the group, and leave them. */
  async #removeRows(group: GroupRow, signal: AbortSignal): Promise<void> {
    await this.#persist(async () => {
      const rows = (await this.#store.list(signal)).filter(({ row }) => isOfGroup(row, group));
      await inParallel(rows, async (held) => this.#store.remove(held, signal));
    }, signal);
  }

  #persist<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, watchMs } = this.#parts;
    return persist({ clock, watchMs, signal }, call);
  }
}

function conflict({ identity }: GroupRow, text: string): StreamError {
  return new StreamError("conflict", text, { topic: identity.topic });
}

/** Where the group is in each partition. Where a row was not placed by the last reset, or is not made yet, it starts as the group does. */
function placesOf(group: GroupRow, rows: readonly LeaseRow[]): ReadonlyMap<string, PartitionPlace> {
  const places = new Map(group.start);
  for (const row of rows) if (row.moved >= group.moves) places.set(row.partition, row.place);
  return places;
}

/** What the rows say about these places. */
function aheadOfRows(places: ReadonlyMap<string, PartitionPlace>, rows: readonly LeaseRow[]): ReadonlyMap<string, HandledAhead> {
  const ahead = new Map<string, HandledAhead>();
  for (const { partition, ahead: stored } of rows) {
    const place = places.get(partition);
    const handled = place === undefined ? null : aheadOf(place, stored);
    if (handled !== null) ahead.set(partition, handled);
  }
  return ahead;
}
