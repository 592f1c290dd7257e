import { expect, test } from "vitest";
import { partitionOfKey } from "../../../../localstack/event-hubs/hubs/partition-key-hash.ts";

/** More than the hash has absolute values, so that a partition is the hash itself. */
const ALL = 65_536;

// The figures are those of the buffered producers of .NET, Java and JavaScript.
test.each([
  ["", 0],
  ["a", 16_220],
  ["key", 11_419],
  ["7149583486996073602", 12_977],
  ["FWfAT", 22_341],
  ["sOdeEAsyQoEuEFPGerWO", 6_503],
  ["FAyAIctPeCgmiwLKbJcyswoHglHVjQdvtBowLACDNORsYvOcLddNJYDmhAVkbyLOrHTKLneMNcbgWVlasVywOByANjs", 5_226],
  ["1XYM6!(7(lF5wq4k4m*e$Nc!1ezLJv*1YK1Y-C^*&B$O)lq^iUkG(TNzXG;Zi#z2Og*Qq0#^*k):vXh$3,C7We7%W0meJ;b3,rQCg^J;^twXgs5E$$hWKxqp", 23_950],
  ["ключ", 32_174],
])("the key %j has the hash %d", (key, hash) => {
  expect(partitionOfKey(key, ALL)).toBe(hash);
  for (const partitions of [1, 2, 4, 7, 32]) expect(partitionOfKey(key, partitions)).toBe(hash % partitions);
});
