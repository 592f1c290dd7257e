/** The titles of the promises; the README describes them under the same titles. A case names its promise by the number. */
export const PROMISES: Readonly<Record<number, string>> = {
  1: "Durable send",
  2: "Publish order",
  3: "Independent keys",
  4: "At least once",
  5: "Handling order",
  6: "Failing messages",
  7: "Changing shape",
  8: "Replay",
  9: "Positions and bookmarks",
  10: "Bounded",
  11: "Nothing silent",
  12: "One error language",
};

/** `2 Publish order`; only the number for a promise that is not of this suite. */
export function promiseTitle(promise: number): string {
  const title = PROMISES[promise];
  return title === undefined ? String(promise) : `${promise} ${title}`;
}
