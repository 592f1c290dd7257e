import { describe, expect, test } from "vitest";
import { HandledEpochs } from "../../../../../adapters/kafka/fetch/handled-epochs.ts";
import { type EpochEnd, type EpochSpan, UNKNOWN_EPOCH } from "../../../../../adapters/kafka/fetch/read-epochs.ts";

/** `[5, 10]`: epoch 5 up to offset 9. */
const ends = (...pairs: readonly (readonly [number, number])[]): EpochEnd[] =>
  pairs.map(([leaderEpoch, endOffset]) => ({ leaderEpoch, endOffset: BigInt(endOffset) }));

/** `[5, 0, 10]`: batches of epoch 5 from offset 0 to 9. */
const spans = (...triples: readonly (readonly [number, number, number])[]): EpochSpan[] =>
  triples.map(([leaderEpoch, first, end]) => ({ leaderEpoch, firstOffset: BigInt(first), endOffset: BigInt(end) }));

function handled(...pairs: readonly (readonly [number, number])[]) {
  const forgotten: bigint[] = [];
  return { epochs: new HandledEpochs(ends(...pairs), (offset) => void forgotten.push(offset)), forgotten };
}

describe("a log is compared with the log that was handled", () => {
  test.each<[string, EpochSpan[]]>([
    ["in one answer", spans([1, 0, 10], [3, 10, 40])],
    ["in several parts", spans([1, 0, 4], [1, 4, 10], [3, 10, 12], [3, 12, 20])],
    ["with batches missing, as compaction leaves them", spans([1, 2, 5], [3, 15, 18])],
    ["with the last batch of the first epoch missing", spans([1, 0, 5], [3, 12, 20])],
    ["up to its end, with other epochs after that", spans([1, 0, 10], [3, 10, 20], [4, 20, 30])],
    ["only after its end", spans([9, 20, 30])],
    ["with a damaged batch at its end", spans([1, 0, 10], [UNKNOWN_EPOCH, 10, 10])],
    ["without records", []],
  ])("the same log %s is the same", (_name, read) => {
    const { epochs, forgotten } = handled([1, 10], [3, 20]);
    epochs.compare(read);
    expect(forgotten).toEqual([]);
    expect(epochs.endsAfter(0n)).toEqual(ends([1, 10], [3, 20]));
  });

  test.each<[string, EpochSpan[], number]>([
    ["a newer leader from the first record on", spans([4, 0, 30]), 0],
    ["a newer leader within the last epoch", spans([1, 0, 10], [3, 10, 14], [4, 14, 30]), 14],
    ["a newer leader of the very last record", spans([1, 0, 10], [3, 10, 19], [4, 19, 20]), 19],
    ["an earlier leader, whose log an unclean election has brought back", spans([1, 0, 10], [2, 10, 20]), 10],
    ["the first leader for longer than before", spans([1, 0, 12]), 10],
    ["the second leader from earlier on", spans([1, 0, 8], [3, 8, 20]), 8],
    ["a batch without an epoch", spans([UNKNOWN_EPOCH, 0, 20]), 0],
    ["a batch that begins before the place where the reading began", spans([4, 5, 7]), 5],
    ["a batch beyond the end that begins before it", spans([1, 0, 10], [4, 15, 30]), 15],
  ])("%s is another log from there on", (_name, read, from) => {
    const { epochs, forgotten } = handled([1, 10], [3, 20]);
    epochs.compare(read);
    expect(forgotten).toEqual([BigInt(from)]);
    expect(epochs.endsAfter(BigInt(from))).toEqual([]);
    if (from > 0) expect(epochs.endsAfter(-1n).at(-1)?.endOffset).toBe(BigInt(from));
  });

  test("an epoch that is not known is equal to no epoch, not even itself, and after the first difference nothing is compared", () => {
    const { epochs, forgotten } = handled([1, 10], [UNKNOWN_EPOCH, 12], [1, 20]);
    epochs.compare(spans([1, 0, 10], [UNKNOWN_EPOCH, 10, 12], [1, 12, 20]));
    expect(forgotten).toEqual([10n]);
    epochs.compare(spans([7, 10, 20]));
    epochs.forgetFrom(10n);
    epochs.forgetFrom(15n);
    expect(forgotten).toEqual([10n]);
    epochs.forgetFrom(4n);
    expect(forgotten).toEqual([10n, 4n]);
  });
});
