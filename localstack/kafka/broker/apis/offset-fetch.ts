import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int64, nullableArray, nullableString, string } from "../wire/types.ts";

const partition = struct({
  partitionIndex: int32,
  committedOffset: int64,
  committedLeaderEpoch: int32.since(5),
  metadata: nullableString,
  errorCode: int16,
});

const asked = nullableArray(struct({ name: string, partitionIndexes: array(int32) }));
const found = array(struct({ name: string, partitions: array(partition) }));

/** Of one group up to version 7, of several from 8 on. */
export const offsetFetchApi = defineApi({
  name: "OffsetFetch",
  key: 9,
  versions: [1, 9],
  flexibleFrom: 6,
  request: {
    groupId: string.until(7),
    topics: asked.until(7),
    groups: array(struct({ groupId: string, memberId: nullableString.since(9), memberEpoch: int32.since(9).or(-1), topics: asked })).since(
      8,
    ),
    requireStable: boolean.since(7).or(false),
  },
  answer: {
    throttleTimeMs: int32.since(3).or(0),
    topics: found.until(7).or([]),
    errorCode: int16.since(2).until(7).or(0),
    groups: array(struct({ groupId: string, topics: found, errorCode: int16 }))
      .since(8)
      .or([]),
  },
});
