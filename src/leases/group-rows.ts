import type { ChildPartition } from "../driver/index.ts";
import { Expiry } from "./expiry.ts";
import { createRow, firstRow } from "./group-start.ts";
import { inParallel } from "../adapter-kit/in-parallel.ts";
import { type GroupRow, type Held, type LeaseRow, isOfGroup, placeText, placedRow, startOf } from "./lease-row.ts";
import type { MemberParts } from "./member-parts.ts";
import { isOutlived } from "./parent-gate.ts";
import type { TopicView } from "./topic-view.ts";

type HeldRows = ReadonlyMap<string, Held<LeaseRow>>;

/** All rows of a group as one member sees them: lists them, makes those that are missing, removes those that are outlived. */
export class GroupRows {
  readonly expiry: Expiry;
  readonly #parts: MemberParts;
  readonly #topic: TopicView;
  readonly #isOwned: (partition: string) => boolean;
  /** Partitions whose row was there, and since when it is missing. */
  readonly #known = new Map<string, number | null>();
  #listedMs = -Infinity;
  #hasForeignOwner = false;

  constructor(parts: MemberParts, topic: TopicView, isOwned: (partition: string) => boolean) {
    this.#parts = parts;
    this.#topic = topic;
    this.#isOwned = isOwned;
    this.expiry = new Expiry(parts.clock, parts.times);
  }

  /**
   * Have they not been listed for long, or can a holder have expired since? What a foreign client frees raises no attention, so that its rows are
   * looked at more often.
   */
  get isDue(): boolean {
    const { clock, times } = this.#parts;
    const nowMs = clock.nowMs();
    if (this.#hasForeignOwner && nowMs - this.#listedMs >= times.renewMs) return true;
    return nowMs - this.#listedMs >= times.listMs || nowMs >= this.expiry.nextMs;
  }

  /** Forgets what was seen of another group of the name. */
  clear(): void {
    this.#known.clear();
  }

  /** Lists all rows of the group. Those of new partitions are made first, all of them. */
  async read(group: GroupRow): Promise<HeldRows> {
    let rows = await this.#list();
    this.#note(rows, group);
    if (this.#missing(rows, group).length > 0) {
      // By an old list a shard that is long gone would come back.
      await this.#topic.refresh(this.#parts.life);
      const known = rows;
      await inParallel(this.#missing(known, group), async (child) => {
        if (!this.#topic.isOlderThan(this.#parts.times.holdMs)) await this.#create(group, child, known.get(child.partition));
      });
      rows = await this.#list();
    }
    return new Map([...rows].filter(([, { row }]) => isOfGroup(row, group)));
  }

  async #list(): Promise<HeldRows> {
    const { store, clock, requests } = this.#parts;
    const startedMs = clock.nowMs();
    const rows = await store.list(requests);
    this.expiry.observe(rows, startedMs);
    this.#listedMs = clock.nowMs();
    this.#hasForeignOwner = rows.some(({ row }) => row.owner !== null && row.holdMs === null && !this.expiry.isExpired(row));
    return new Map(rows.map((held) => [held.row.partition, held]));
  }

  /** Keeps since when a row is missing that was there. */
  #note(rows: HeldRows, group: GroupRow): void {
    for (const [partition, { row }] of rows) if (isOfGroup(row, group)) this.#known.set(partition, null);
    const nowMs = this.#parts.clock.nowMs();
    for (const [partition, since] of this.#known) if (since === null && !rows.has(partition)) this.#known.set(partition, nowMs);
  }

  #missing(rows: HeldRows, group: GroupRow): readonly ChildPartition[] {
    return this.#topic.shape.partitions.filter(({ partition }) => this.#isMissing(partition, rows.get(partition), group));
  }

  /** A row that was there and was deleted is left to its owner for a while, which knows how far it has come. */
  #isMissing(partition: string, found: Held<LeaseRow> | undefined, group: GroupRow): boolean {
    const { clock, times } = this.#parts;
    if (this.#isOwned(partition) || (found !== undefined && isOfGroup(found.row, group))) return false;
    const since = this.#known.get(partition);
    return since === undefined || (since !== null && clock.nowMs() - since >= times.holdMs + times.marginMs);
  }

  async #create(group: GroupRow, { partition, parents }: ChildPartition, found: Held<LeaseRow> | undefined): Promise<void> {
    const { store, requests } = this.#parts;
    await createRow(store, group, firstRow(group, partition, parents), found, requests);
  }

  /** Makes the rows of these shards, unless they are there. @throws where the outcome is unknown */
  async createChildren(group: GroupRow, children: readonly ChildPartition[], isCurrent: () => boolean): Promise<void> {
    const { store, requests } = this.#parts;
    await inParallel(children, async (child) => {
      const found = await store.read(child.partition, requests);
      // The process may have stood still meanwhile, and others may have been through with the child.
      if (isCurrent()) await this.#create(group, child, found ?? undefined);
    });
  }

  /**
   * Are there rows that the last reset has not placed? A row that was made beside it, and that it did not see, is placed now. One of a later
   * reset shows that the group has been moved since it was looked at. In both cases the next turn goes on.
   */
  async areBesideMove(group: GroupRow, rows: HeldRows): Promise<boolean> {
    const { store, requests } = this.#parts;
    const others = [...rows.values()].filter(({ row }) => row.moved !== group.moves);
    const overlooked = others.filter(({ row }) => row.moved < group.moves && !this.#isOwned(row.partition));
    await inParallel(overlooked, async (held) => {
      const { row } = held;
      await store.swap(held, { ...placedRow(row, group), owner: null, wantedBy: null, beat: row.beat + 1n }, requests);
    });
    return others.length > 0;
  }

  /** Removes the rows of ended shards that are gone, by a list of the topic that is younger than what was seen of the rows. */
  async prune(group: GroupRow, rows: HeldRows): Promise<void> {
    const { store, requests, life } = this.#parts;
    const bare = bareRows(rows);
    const hasMoved = (child: LeaseRow): boolean => placeText(child.place) !== placeText(startOf(group, child.partition));
    const outlived = (): readonly LeaseRow[] => [...bare.values()].filter((row) => isOutlived(row, bare, this.#topic.listed, hasMoved));
    if (outlived().length === 0) return;
    await this.#topic.refresh(life);
    await inParallel(outlived(), async ({ partition }) => store.remove(rows.get(partition)!, requests));
  }
}

/** Without their versions. */
export function bareRows(rows: HeldRows): ReadonlyMap<string, LeaseRow> {
  return new Map([...rows].map(([partition, { row }]) => [partition, row]));
}
