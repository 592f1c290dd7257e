import { type ConsumerSettings, type Settlement, type StreamError } from "../driver/index.ts";
import { abortable } from "../abortable.ts";
import { Acquisition } from "./acquisition.ts";
import { type BalancedRow, balanceStep } from "./balance.ts";
import { raiseAttention } from "./change-group.ts";
import { GroupRows, bareRows } from "./group-rows.ts";
import { startAt, startGroup } from "./group-start.ts";
import { groupDeleted } from "./lease-errors.ts";
import type { GroupRow, Held, LeaseRow } from "./lease-row.ts";
import type { MemberParts } from "./member-parts.ts";
import { MoveWatch } from "./move-watch.ts";
import { OwnedLeases } from "./owned-leases.ts";
import { persist } from "./persist.ts";
import { isBehindItsParents } from "./parent-gate.ts";
import { TopicView } from "./topic-view.ts";
import { Wish } from "./wish.ts";

/** How often a member looks whether its leases have to be renewed, within the time between two renewals. */
const LOOKS_PER_RENEWAL = 4;
const AWAKE = "there is something to do";

/**
 * One member of a group. Two loops run until it is closed: one renews the leases; the other one looks at the group's row every `watchMs`, and
 * where something has changed, or has not been looked at for long, takes a turn: looks at all rows, and takes, asks for and hands over some.
 */
export class Member {
  readonly #parts: MemberParts;
  readonly #initial: ConsumerSettings["initialPosition"];
  readonly #topic: TopicView;
  readonly #owned: OwnedLeases;
  readonly #rows: GroupRows;
  readonly #acquisition: Acquisition;
  readonly #moveWatch: MoveWatch;
  readonly #wish: Wish;
  readonly #background = new Set<Promise<void>>();
  #group: Held<GroupRow> | null = null;
  #contactMs = -Infinity;
  #isDirty = true;
  #isJoined = false;
  #nap = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: MemberParts, initialPosition: ConsumerSettings["initialPosition"]) {
    this.#parts = parts;
    this.#initial = initialPosition;
    this.#topic = new TopicView(parts);
    this.#owned = new OwnedLeases(parts, {
      changed: () => this.#changed(),
      createChildren: (children, isCurrent) => this.#rows.createChildren(this.#group!.row, children, isCurrent),
      run: (work) => this.#run(work),
    });
    this.#rows = new GroupRows(parts, this.#topic, (partition) => this.#owned.has(partition));
    this.#acquisition = new Acquisition(parts, this.#owned);
    this.#moveWatch = new MoveWatch(parts, this.#owned);
    this.#wish = new Wish(parts);
  }

  /** Resolves after the first look at the group. @throws what cannot be retried */
  async join(signal: AbortSignal): Promise<void> {
    await this.#topic.refresh(signal);
    this.#group = await this.#startGroup(signal);
    this.#run(this.#renewals());
    await this.#lookOnce();
    this.#contactMs = this.#parts.clock.nowMs();
    this.#run(this.#watch());
  }

  async #startGroup(signal: AbortSignal): Promise<Held<GroupRow>> {
    const { store, source, newId } = this.#parts;
    const { shape } = this.#topic;
    return startGroup({ store, newId, resolve: startAt(this.#initial, source, shape.identity.topic) }, shape, signal);
  }

  /** There is something to do soon. */
  #changed(): void {
    this.#isDirty = true;
    this.#nap.abort(AWAKE);
  }

  #run(work: Promise<void>): void {
    const { life, sink, classify } = this.#parts;
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        if (!life.aborted) sink.failed(classify(error));
      })
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  async #renewals(): Promise<void> {
    const { clock, times, life } = this.#parts;
    for (;;) {
      await clock.sleep(times.renewMs / LOOKS_PER_RENEWAL, life);
      this.#owned.renewDue();
    }
  }

  async #watch(): Promise<void> {
    const { clock, watchMs, life } = this.#parts;
    while (!life.aborted) {
      await this.#pause(watchMs);
      if (life.aborted) return;
      try {
        await this.#lookOnce();
        this.#contactMs = clock.nowMs();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** Waits, unless something is to be done soon. */
  async #pause(ms: number): Promise<void> {
    this.#nap = new AbortController();
    await this.#parts.clock.sleep(ms, this.#nap.signal).catch(() => undefined);
  }

  /** @throws what cannot be retried */
  #failed(thrown: unknown): void {
    const { clock, times, life, watchMs, report, sink, classify } = this.#parts;
    if (life.aborted) return;
    this.#isDirty = true;
    const error = classify(thrown);
    if (!error.retryable) throw error;
    if (report.wants("retry")) report({ kind: "retry", operation: "watch the group", error, delayMs: watchMs });
    if (clock.nowMs() - this.#contactMs < times.renewMs || !this.#isJoined) return;
    this.#isJoined = false;
    sink.rejoining();
  }

  #lookOnce(): Promise<void> {
    this.#looking = this.#look();
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { store, requests, sink } = this.#parts;
    const group = await store.readGroup(requests);
    if (group === null) throw groupDeleted(this.#topic.shape.identity.topic);
    const seen = this.#group!.row;
    if (group.row.id !== seen.id) await this.#rejoin();
    else this.#group = group;
    if (this.#group!.row.move !== null) {
      await this.#moveWatch.look(this.#group!);
      return;
    }
    this.#moveWatch.over(this.#group!.row);
    const { describeMs, life } = this.#parts;
    if (group.row.attention !== seen.attention || this.#rows.isDue || this.#acquisition.hasRefused) this.#isDirty = true;
    if ((await this.#wish.isAnswered()) || (await this.#topic.hasChanged(describeMs, life))) this.#isDirty = true;
    if (this.#isDirty) await this.#turn(this.#group!);
    // A turn that found another topic of the name is followed by another one.
    if (this.#isJoined || this.#isDirty) return;
    this.#isJoined = true;
    sink.joined();
  }

  /** The group, or the topic, is another one of the same name. */
  async #rejoin(): Promise<void> {
    for (const lease of this.#owned.all) this.#owned.lose(lease);
    if (this.#isJoined) this.#parts.sink.rejoining();
    this.#isJoined = false;
    this.#isDirty = true;
    this.#rows.clear();
    this.#topic.clear();
    await this.#topic.refresh(this.#parts.requests);
    this.#group = await this.#startGroup(this.#parts.requests);
  }

  /** Looks at all rows, and does what is to be done. */
  async #turn(group: Held<GroupRow>): Promise<void> {
    const { life, id } = this.#parts;
    this.#isDirty = false;
    this.#topic.beginTurn();
    if (this.#topic.shape.identity.incarnation !== group.row.identity.incarnation) return this.#rejoin();
    const rows = await this.#rows.read(group.row);
    if (await this.#rows.areBesideMove(group.row, rows)) return this.#changed();
    this.#owned.compare(rows);
    const bare = bareRows(rows);
    if (await this.#topic.findGone(bare, life)) this.#changed();
    const step = balanceStep(this.#balanced(bare), id);
    const free = step.take.map((partition) => rows.get(partition)!);
    const hasAll = await this.#acquisition.take(group.row, free);
    // The shares are other ones than this turn has seen.
    if (!hasAll) this.#isDirty = true;
    if (await this.#wish.change(rows, step)) await this.#raise(group);
    await this.#rows.prune(group.row, rows);
  }

  /** The rows that can be owned, as the balance rule sees them. */
  #balanced(rows: ReadonlyMap<string, LeaseRow>): readonly BalancedRow[] {
    const { id } = this.#parts;
    const isOwnable = (row: LeaseRow): boolean => row.place.kind !== "ended" && isBehindItsParents(row, rows, this.#topic.gone);
    const ownable = [...rows.values()].filter(isOwnable);
    return ownable.map((row) => {
      const { partition, owner, wantedBy } = row;
      // What this member has not noticed to be free, or to be somebody else's, it must lose before it competes for it.
      if (this.#owned.holds(partition)) return { partition, owner: owner ?? id, wantedBy };
      const isLeft = this.#rows.expiry.isExpired(row) || owner === id;
      return isLeft ? { partition, owner: null, wantedBy: wantedBy === id ? id : null } : { partition, owner, wantedBy };
    });
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    const results = await abortable(Promise.all(settlements.map((settlement) => this.#owned.settle(settlement))), signal);
    // Others should look for the children of an ended shard.
    if (settlements.some(({ ended }, index) => ended && results[index] === null)) this.#run(this.#persistInRaising(this.#group!));
    return results;
  }

  /** What this member changes it need not look at itself. */
  async #raise(seen: Held<GroupRow>): Promise<void> {
    const raised = await raiseAttention(this.#parts.store, seen, this.#parts.requests);
    if (raised?.row.attention === seen.row.attention + 1) this.#group = raised;
  }

  /** Releases everything, and tells the others. The life of the member has ended before. Never rejects. */
  async leave(): Promise<void> {
    this.#nap.abort(AWAKE);
    // What is being acquired now is released by the one that acquires it.
    await this.#inTime(this.#looking, undefined);
    const hasFreed = await this.#inTime(this.#free(), true);
    if (hasFreed && this.#group !== null) await this.#inTime(this.#persistInRaising(this.#group), undefined);
  }

  /** @returns whether others can take something now */
  async #free(): Promise<boolean> {
    const withdrawn = this.#persist(() => this.#wish.withdraw());
    const acquired = this.#persist(() => this.#acquisition.withdraw());
    const freed = await Promise.all([this.#owned.releaseAll(), withdrawn.catch(() => false), acquired.catch(() => false)]);
    return freed.includes(true);
  }

  /** What takes longer than an answer of the store may take is left to go on, until the member's requests end. Never rejects. */
  async #inTime<T>(work: Promise<T>, late: T): Promise<T> {
    const { clock, times, requests } = this.#parts;
    this.#run(work.then(() => undefined));
    const over = clock.sleep(times.requestMs, requests).catch(() => undefined);
    return Promise.race([work.catch(() => late), over.then(() => late)]);
  }

  /** Others that are not told find it by their next list, half a session later. */
  async #persistInRaising(seen: Held<GroupRow>): Promise<void> {
    await this.#persist(() => this.#raise(seen));
  }

  #persist<T>(call: () => Promise<T>): Promise<T> {
    const { clock, watchMs, requests } = this.#parts;
    return persist({ clock, watchMs, signal: requests }, call);
  }

  /** Resolves when nothing runs in the background any more. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }
}
