import { isDeepStrictEqual } from "node:util";
import { StreamError } from "../driver/index.ts";
import type { GroupRow, Held } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";

const MOST_ATTEMPTS = 5;

/**
 * Applies a change to the group row as it is now, whoever else writes it meanwhile. `change` answers the row itself where nothing is left to
 * change, and `null` where the change does not apply any longer.
 * @returns the row as it is then, or `null` where the change does not apply, or the group is gone
 * @throws where the outcome is still unknown after several attempts
 */
export async function changeGroup(
  store: LeaseStore,
  before: Held<GroupRow>,
  change: (row: GroupRow) => GroupRow | null,
  signal: AbortSignal,
): Promise<Held<GroupRow> | null> {
  let held: Held<GroupRow> | null = before;
  for (let attempt = 1; held !== null; attempt += 1) {
    const next = change(held.row);
    if (next === null || next === held.row) return next === null ? null : held;
    let failure: Error | null = null;
    try {
      const version = await store.writeGroup(held, next, signal);
      if (version !== null) return { row: next, version };
    } catch (error) {
      signal.throwIfAborted();
      failure = error as Error;
    }
    if (attempt >= MOST_ATTEMPTS)
      throw failure ?? new StreamError("unavailable", "the row of the group is written by too many members at once");
    held = await store.readGroup(signal);
    // The write of unknown outcome has been carried out.
    if (failure !== null && held !== null && isDeepStrictEqual(held.row, next)) return held;
  }
  return null;
}

/** Lets the other members look at the rows soon. @returns `null` where somebody else has raised it at the same time: all look then, also this member */
export async function raiseAttention(store: LeaseStore, seen: Held<GroupRow>, signal: AbortSignal): Promise<Held<GroupRow> | null> {
  return changeGroup(
    store,
    seen,
    (row) => (row.attention === seen.row.attention ? { ...row, attention: row.attention + 1 } : null),
    signal,
  );
}
