/**
 * How programs publish over a call that stores or refuses each entry by itself: Kinesis' `PutRecords`, OCI Streaming's `PutMessages`.
 * Entries are in the order in which they are to be stored.
 */
export interface BatchTarget<Entry> {
  /** Puts them by one call. Resolves with the indexes of those that were refused. */
  readonly put: (entries: readonly Entry[]) => Promise<readonly number[]>;
  readonly mostEntries: number;
}

/** What a batch has refused is sent again when everything else was sent. */
export async function retriedAtTheEnd<Entry>(entries: readonly Entry[], { put, mostEntries }: BatchTarget<Entry>): Promise<void> {
  for (let left = entries; left.length > 0;) {
    const refused: Entry[] = [];
    for (let at = 0; at < left.length; at += mostEntries) {
      const batch = left.slice(at, at + mostEntries);
      for (const index of await put(batch)) refused.push(batch[index]!);
    }
    left = refused;
  }
}

/** What a batch has refused is the beginning of the next one. */
export async function retriedAtTheFront<Entry>(entries: readonly Entry[], { put, mostEntries }: BatchTarget<Entry>): Promise<void> {
  let refused: readonly Entry[] = [];
  for (let at = 0; at < entries.length || refused.length > 0;) {
    const next = entries.slice(at, at + mostEntries - refused.length);
    at += next.length;
    const batch = [...refused, ...next];
    refused = (await put(batch)).map((index) => batch[index]!);
  }
}

/** A call has one entry of each key, the next one of a key follows when it is stored: of these three this one alone keeps the order. */
export async function oneOfEachKey<Entry>(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
  { put, mostEntries }: BatchTarget<Entry>,
): Promise<void> {
  const lanes = [...Map.groupBy(entries, keyOf).values()].map((lane) => ({ lane, next: 0 }));
  for (let waiting = lanes; waiting.length > 0;) {
    const taken = waiting.slice(0, mostEntries);
    const refused = new Set(await put(taken.map(({ lane, next }) => lane[next]!)));
    for (const [index, one] of taken.entries()) if (!refused.has(index)) one.next += 1;
    const unfinished = taken.filter(({ lane, next }) => next < lane.length);
    waiting = [...waiting.slice(mostEntries), ...unfinished];
  }
}
