import { expect } from "vitest";

/** Texts are `key number`. First occurrences of each key rise. */
export function checkOrder(texts: readonly string[]): void {
  const last = new Map<string, number>();
  for (const text of new Set(texts)) {
    const [key, number] = text.split(" ") as [string, string];
    expect(Number(number)).toBeGreaterThan(last.get(key) ?? -1);
    last.set(key, Number(number));
  }
}
