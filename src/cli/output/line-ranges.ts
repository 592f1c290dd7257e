const MOST_RANGES = 10;

/** `4, 7 to 9 and 12` of line numbers in ascending order; after the tenth range only how many more there are. */
export function lineRanges(lines: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const line of lines) {
    const open = ranges.at(-1);
    if (open !== undefined && line === open.last + 1) open.last = line;
    else ranges.push({ first: line, last: line });
  }
  const shown = ranges.slice(0, MOST_RANGES);
  const rest = ranges.slice(MOST_RANGES).reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const parts = shown.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  if (rest > 0) parts.push(`${rest.toLocaleString("en")} more`);
  const end = parts.pop() ?? "";
  return parts.length === 0 ? end : `${parts.join(", ")} and ${end}`;
}
