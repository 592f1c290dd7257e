import { type PartitionPlace, StreamError } from "../driver/index.ts";
import { changeGroup } from "./change-group.ts";
import type { Clock } from "./clock.ts";
import { Expiry } from "./expiry.ts";
import { type GroupMove, type GroupRow, type Held, type LeaseRow, freedRow, isOfGroup, nextEpoch, placedRow } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { LeaseTimes } from "./lease-times.ts";
import { persist, requireRepeatable } from "./persist.ts";

export interface MoverParts {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly times: LeaseTimes;
  readonly watchMs: number;
  /** Another one for each reset. */
  readonly by: string;
}

/**
 * Moves a group to other places, so that it happens once for each row or not at all, and others can complete what a process has left:
 *
 * 1. `move` is set in the group row. No member acquires a row from now on.
 * 2. All rows are taken, which waits until a dead owner has expired. Where a live owner renews, all are freed and `move` is cleared: `conflict`.
 * 3. `isPlacing` is set: from here on it can only be completed. Each row is placed, and freed by the same write.
 * 4. One write of the group row makes the new places the start of rows made later, counts the move, and clears it.
 */
export class GroupMover {
  readonly #parts: MoverParts;
  readonly #signal: AbortSignal;

  constructor(parts: MoverParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Step 1. @returns `null` where another move is under way, or the group is gone */
  async begin(group: Held<GroupRow>, to: ReadonlyMap<string, PartitionPlace>, origin: string | null): Promise<Held<GroupRow> | null> {
    const { by } = this.#parts;
    return this.#change(group, (row) => {
      if (row.move !== null) return row.move.by === by ? row : null;
      return { ...row, move: { number: row.moves + 1n, by, beat: 0, to, isPlacing: false, origin }, attention: row.attention + 1 };
    });
  }

  /** Takes over a move that its mover has left. @returns `null` where it is no longer there, or its mover lives */
  async takeOver(left: Held<GroupRow>): Promise<Held<GroupRow> | null> {
    const { by } = this.#parts;
    return this.#change(left, (row) => {
      const { move } = row;
      if (move === null || move.number !== left.row.move?.number || row.id !== left.row.id) return null;
      if (move.by === by) return row;
      return move.by === left.row.move.by && move.beat === left.row.move.beat ? { ...row, move: { ...move, by } } : null;
    });
  }

  /** Steps 2 to 4, for the move in this row, which must be ours. @throws `conflict` where a member lives · where another mover has taken over */
  async complete(begun: Held<GroupRow>): Promise<void> {
    const move = begun.row.move!;
    let group = begun;
    while (!(await this.#isPlaced(group.row, move))) {
      group = await this.takeAll(group);
      group = stillOurs(await this.#changeMove(group, move, { isPlacing: true }));
      await this.#place(group.row, move);
    }
    const done = await this.#change(group, (row) => {
      if (row.moves >= move.number) return row;
      return row.move?.by === this.#parts.by ? completed(row, row.move) : null;
    });
    stillOurs(done);
  }

  /** Changes the move, if it is ours still. */
  async #changeMove(group: Held<GroupRow>, { number }: GroupMove, change: Partial<GroupMove>): Promise<Held<GroupRow> | null> {
    return this.#change(group, (row) =>
      row.move?.number === number && row.move.by === this.#parts.by ? { ...row, move: { ...row.move, ...change } } : null,
    );
  }

  async #isPlaced(group: GroupRow, { number }: GroupMove): Promise<boolean> {
    if (group.move?.isPlacing !== true) return false;
    return (await this.#rows(group)).every(({ row }) => row.moved >= number);
  }

  async #rows(group: GroupRow): Promise<readonly Held<LeaseRow>[]> {
    const rows = await this.#persist(() => this.#parts.store.list(this.#signal));
    return rows.filter(({ row }) => isOfGroup(row, group));
  }

  /** Step 2. @returns the group row as it is then @throws `conflict` where a member lives: then nothing is changed */
  async takeAll(begun: Held<GroupRow>): Promise<Held<GroupRow>> {
    const { clock, times, watchMs, by } = this.#parts;
    const expiry = new Expiry(clock, times);
    let group = begun;
    let beatMs = clock.nowMs();
    for (;;) {
      const move = group.row.move!;
      const startedMs = clock.nowMs();
      const rows = (await this.#rows(group.row)).filter(({ row }) => row.moved < move.number);
      expiry.observe(rows, startedMs);
      const others = rows.filter(({ row }) => row.owner !== by);
      if (others.length === 0) return group;
      const isLive = ({ row }: Held<LeaseRow>): boolean => row.owner !== null && expiry.hasShownLife(row.owner);
      if (!move.isPlacing && others.some(isLive)) {
        await this.#giveUp(group, rows);
        throw new StreamError("conflict", "a member of the group lives; none may be left", { topic: group.row.identity.topic });
      }
      const takeable = others.filter(({ row }) => row.owner === null || expiry.isExpired(row));
      await Promise.all(takeable.map((held) => this.#take(held, group.row.id)));
      if (takeable.length < others.length) await clock.sleep(watchMs, this.#signal);
      if (clock.nowMs() - beatMs < times.renewMs) continue;
      beatMs = clock.nowMs();
      group = stillOurs(await this.#changeMove(group, move, { beat: move.beat + 1 }));
    }
  }

  async #take({ row, version }: Held<LeaseRow>, groupId: string): Promise<void> {
    const { by, times, clock } = this.#parts;
    const epoch = nextEpoch(row, clock.wallMs());
    const taken = { ...row, groupId, owner: by, holdMs: times.holdMs, epoch, beat: row.beat + 1n, wantedBy: null };
    await this.#swap({ row, version }, taken);
  }

  /** Frees what was taken, and clears the move. What is not freed is idle until this mover's session is over. */
  async #giveUp(group: Held<GroupRow>, rows: readonly Held<LeaseRow>[]): Promise<void> {
    const { clock, watchMs, by } = this.#parts;
    const isTaken = ({ row }: Held<LeaseRow>): boolean => row.owner === by;
    let taken = rows.filter(isTaken);
    while (taken.length > 0) {
      await Promise.all(taken.map((held) => this.#swap(held, freedRow(held.row))));
      taken = (await this.#rows(group.row)).filter(isTaken);
      if (taken.length > 0) await clock.sleep(watchMs, this.#signal);
    }
    await this.abandon(group);
  }

  /** Clears a move that is ours and has placed nothing. */
  async abandon(group: Held<GroupRow>): Promise<void> {
    await this.#change(group, (row) =>
      row.move?.by === this.#parts.by && !row.move.isPlacing ? { ...row, move: null, attention: row.attention + 1 } : null,
    );
  }

  /** Step 3. A row that somebody else has written meanwhile is left to the next round. */
  async #place(group: GroupRow, move: GroupMove): Promise<void> {
    const own = (await this.#rows(group)).filter(({ row }) => row.owner === this.#parts.by && row.moved < move.number);
    await Promise.all(own.map((held) => this.#swap(held, placed(held.row, group, move))));
  }

  /** The next list shows what has come of it. */
  async #swap(held: Held<LeaseRow>, next: LeaseRow): Promise<void> {
    try {
      await this.#parts.store.swap(held, next, this.#signal);
    } catch (error) {
      requireRepeatable(error, this.#signal);
    }
  }

  async #change(group: Held<GroupRow>, change: (row: GroupRow) => GroupRow | null): Promise<Held<GroupRow> | null> {
    return this.#persist(() => changeGroup(this.#parts.store, group, change, this.#signal));
  }

  #persist<T>(call: () => Promise<T>): Promise<T> {
    const { clock, watchMs } = this.#parts;
    return persist({ clock, watchMs, signal: this.#signal }, call);
  }
}

function stillOurs(group: Held<GroupRow> | null): Held<GroupRow> {
  if (group !== null) return group;
  throw new StreamError("conflict", "the group is moved or deleted by somebody else at the same time");
}

/** A row that stays where it is keeps what is handled ahead. One that an earlier move did not see is at the start of the group. */
function placed(row: LeaseRow, group: GroupRow, { to, number }: GroupMove): LeaseRow {
  const moved = { ...placedRow(row, group), owner: null, wantedBy: null, beat: row.beat + 1n, moved: number };
  const place = to.get(row.partition);
  return place === undefined ? moved : { ...moved, place, ahead: null, emptyUntilMs: null };
}

function completed(row: GroupRow, { number, to, origin }: GroupMove): GroupRow {
  return { ...row, origin, start: new Map([...row.start, ...to]), moves: number, move: null, attention: row.attention + 1 };
}
