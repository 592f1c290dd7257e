import { hash } from "node:crypto";

/** A row that can be owned: neither ended, nor waiting for its parents. */
export interface BalancedRow {
  readonly partition: string;
  /** The live owner; `null`: the row is free, or its owner has expired. */
  readonly owner: string | null;
  /** The live member that has asked for it. */
  readonly wantedBy: string | null;
}

export interface BalanceStep {
  /** Free rows to be acquired now. */
  readonly take: readonly string[];
  /** A row to ask for; `null`: none. */
  readonly ask: string | null;
  /** A row that was asked for and is not needed any longer; `null`: none. */
  readonly withdraw: string | null;
}

/**
 * What one member does for the balance. Members are known by the rows that they own or have asked for; a row that was asked for counts
 * for the one that wants it. Free rows are taken at once, up to an equal share. Then one row at a time is asked for, from the member with the most
 * rows, if it has at least two more: such a step always makes the shares more equal, so that the steps come to an end.
 */
export function balanceStep(rows: readonly BalancedRow[], member: string): BalanceStep {
  const counts = new Map<string, number>([[member, 0]]);
  for (const row of rows) {
    const holder = row.wantedBy ?? row.owner;
    if (holder !== null) counts.set(holder, (counts.get(holder) ?? 0) + 1);
  }
  const share = Math.ceil(rows.length / counts.size);
  const given = rows.filter(({ owner, wantedBy }) => owner === null && wantedBy === member);
  const free = rows.filter(({ owner, wantedBy }) => owner === null && wantedBy === null);
  const take = [...given, ...free.slice(0, Math.max(0, share - counts.get(member)!))].map(({ partition }) => partition);
  const own = counts.get(member)! - given.length + take.length;
  const wish = rows.find(({ owner, wantedBy }) => wantedBy === member && owner !== null && owner !== member);
  if (wish !== undefined) {
    // Without the wish the owner would have one more and this member one less.
    const isNeeded = (counts.get(wish.owner!) ?? 0) + 1 >= own + 1;
    return { take, ask: null, withdraw: isNeeded ? null : wish.partition };
  }
  return { take, ask: take.length > given.length ? null : rowToAskFor(rows, member, own, counts), withdraw: null };
}

function rowToAskFor(rows: readonly BalancedRow[], member: string, own: number, counts: ReadonlyMap<string, number>): string | null {
  const most = Math.max(...counts.values());
  if (most < own + 2) return null;
  const candidates = rows.filter(
    ({ owner, wantedBy }) => owner !== null && owner !== member && wantedBy === null && counts.get(owner) === most,
  );
  // Members that ask at the same time should ask for different rows.
  const order = candidates.toSorted((a, b) => (mixed(member, a.partition) < mixed(member, b.partition) ? -1 : 1));
  return order[0]?.partition ?? null;
}

function mixed(member: string, partition: string): string {
  return hash("sha1", `${member} ${partition}`);
}
