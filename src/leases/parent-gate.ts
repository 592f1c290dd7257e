import type { LeaseRow } from "./lease-row.ts";

/** May a row be taken, or do its parents come first? Each of them must be handled to its end, or be known to be gone. */
export function isBehindItsParents(row: LeaseRow, rows: ReadonlyMap<string, LeaseRow>, gone: ReadonlySet<string>): boolean {
  return row.parents.every((parent) => {
    const parentRow = rows.get(parent);
    return parentRow === undefined ? gone.has(parent) : parentRow.place.kind === "ended";
  });
}

/**
 * Parents without a row. Those that the service does not list either are gone; that needs a list that is younger than the row that names
 * them, because a parent may be as young as its child.
 */
export function missingParents(rows: ReadonlyMap<string, LeaseRow>): readonly string[] {
  return [...rows.values()].flatMap(({ parents, place }) => (place.kind === "ended" ? [] : parents.filter((parent) => !rows.has(parent))));
}

/** May the row of an ended shard go? When the service no longer lists it, and each of its children has moved from where it started. */
export function isOutlived(
  row: LeaseRow,
  rows: ReadonlyMap<string, LeaseRow>,
  listed: ReadonlySet<string>,
  hasMoved: (child: LeaseRow) => boolean,
): boolean {
  if (row.place.kind !== "ended" || listed.has(row.partition)) return false;
  const children = [...rows.values()].filter(({ parents }) => parents.includes(row.partition));
  return children.every((child) => hasMoved(child));
}
