const UNITS: readonly (readonly [name: string, milliseconds: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** `7 d`, `3.2 s`: one figure in the largest unit of which there is at least one. */
export function durationText(milliseconds: number): string {
  const [name, unit] = UNITS.find(([, size]) => milliseconds >= size) ?? ["ms", 1];
  const figure = milliseconds / unit;
  return `${Number.isInteger(figure) ? figure.toLocaleString("en") : figure.toFixed(1)} ${name}`;
}

/** `1 group`, `20,000 messages`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}
