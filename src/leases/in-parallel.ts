/** Enough to be fast, and few enough for the first requests not to wait until they are late. */
const MOST_AT_ONCE = 16;

/** Calls `work` for each item, a few at a time. @throws the first error, when all that had begun have ended */
export async function inParallel<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += MOST_AT_ONCE) {
    const settled = await Promise.allSettled(items.slice(from, from + MOST_AT_ONCE).map(work));
    for (const result of settled) {
      if (result.status === "rejected") throw result.reason;
      results.push(result.value);
    }
  }
  return results;
}
