import { expect, test } from "vitest";
import { epochsBetween } from "../../../../../adapters/kafka/fetch/epochs-between.ts";
import type { OffsetLookup } from "../../../../../adapters/kafka/fetch/offset-lookup.ts";
import type { EpochEnd } from "../../../../../adapters/kafka/fetch/read-epochs.ts";
import type { TopicSnapshot } from "../../../../../adapters/kafka/topic-directory.ts";

const TOPIC = {} as TopicSnapshot;

/** A log of partition 0 with these epochs, whose present leader has this one. Asked for an epoch, a server answers with the newest one up to it that has records. */
function logOf(epochs: readonly EpochEnd[], leaderEpoch: number): OffsetLookup {
  const lookup: Pick<OffsetLookup, "bounds" | "epochEnds"> = {
    bounds: async () => new Map([[0, { first: 0n, end: epochs.at(-1)?.endOffset ?? 0n, leaderEpoch }]]),
    epochEnds: async (_, asked) => {
      const found = epochs.findLast((one) => one.leaderEpoch <= (asked.get(0) ?? -1));
      return found === undefined ? new Map() : new Map([[0, found]]);
    },
  };
  return lookup as OffsetLookup;
}

async function between(lookup: OffsetLookup, from: bigint, end: bigint): Promise<readonly EpochEnd[] | undefined> {
  return (await epochsBetween(lookup, TOPIC, new Map([[0, { from, end }]]), new AbortController().signal)).get(0);
}

const LOG: readonly EpochEnd[] = [
  { leaderEpoch: 0, endOffset: 10n },
  { leaderEpoch: 3, endOffset: 25n },
  { leaderEpoch: 4, endOffset: 40n },
];

test.each([
  [26n, 30n, [{ leaderEpoch: 4, endOffset: 30n }]],
  [25n, 26n, [{ leaderEpoch: 4, endOffset: 26n }]],
  [
    24n,
    26n,
    [
      { leaderEpoch: 3, endOffset: 25n },
      { leaderEpoch: 4, endOffset: 26n },
    ],
  ],
  [0n, 40n, LOG],
  [12n, 20n, [{ leaderEpoch: 3, endOffset: 20n }]],
  [2n, 5n, [{ leaderEpoch: 0, endOffset: 5n }]],
])("the records from %s to %s are of these epochs", async (from, end, expected) => {
  expect(await between(logOf(LOG, 4), from, end)).toEqual(expected);
  // The leader may be new, and may have stored nothing yet.
  expect(await between(logOf(LOG, 9), from, end)).toEqual(expected);
});

test("nothing is said where the server does not know, or where there are too many epochs", async () => {
  expect(await between(logOf(LOG, -1), 0n, 5n)).toBeUndefined();
  expect(await between(logOf([], 3), 0n, 5n)).toBeUndefined();
  const many = Array.from({ length: 40 }, (_, epoch) => ({ leaderEpoch: epoch, endOffset: BigInt(epoch + 1) }));
  expect(await between(logOf(many, 39), 0n, 40n)).toBeUndefined();
  expect(await between(logOf(many, 39), 35n, 40n)).toHaveLength(5);
});
