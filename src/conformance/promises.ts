/** What is promised, in short; the README says it in full under the same names. A case names its promise by the number. */
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

/** `2 Publish order`; the number alone for a promise that only somebody else's case has. */
export function promiseTitle(promise: number): string {
  const title = PROMISES[promise];
  return title === undefined ? String(promise) : `${promise} ${title}`;
}
