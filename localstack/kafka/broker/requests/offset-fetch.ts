import { ErrorCode } from "../error-code.ts";
import { type AnswerOf, type RequestOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int64, nullableArray, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { type RequestContext, handler } from "./handler.ts";

const partition = struct({
  partitionIndex: int32,
  committedOffset: int64,
  committedLeaderEpoch: int32.since(5),
  metadata: nullableString,
  errorCode: int16,
});

const requested = nullableArray(struct({ name: string, partitionIndexes: array(int32) }));

const found = array(struct({ name: string, partitions: array(partition) }));

/** Up to version 7 a request is about one group, from version 8 on about several. */
export const offsetFetchApi = defineApi({
  name: "OffsetFetch",
  key: 9,
  versions: [1, 9],
  flexibleFrom: 6,
  request: {
    groupId: string.until(7),
    topics: requested.until(7),
    groups: array(
      struct({ groupId: string, memberId: nullableString.since(9), memberEpoch: int32.since(9).or(-1), topics: requested }),
    ).since(8),
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

const FIRST_WITH_SEVERAL = 8;

type Requested = RequestOf<typeof offsetFetchApi>["topics"];
type Found = NonNullable<AnswerOf<typeof offsetFetchApi>["topics"]>;

export const offsetFetch = handler(
  offsetFetchApi,
  ({ groupId, topics, groups, requireStable }, context) => {
    if (context.version >= FIRST_WITH_SEVERAL) {
      return { groups: groups.map((one) => ({ groupId: one.groupId, ...committed(one.groupId, one.topics, requireStable, context) })) };
    }
    return committed(groupId, topics, requireStable, context);
  },
  {
    topics: ({ topics, groups }) =>
      [...(topics ?? []), ...groups.flatMap((one) => one.topics ?? [])].map(({ name, partitionIndexes }) => [name, partitionIndexes]),
  },
);

function committed(
  groupId: string,
  requested: Requested,
  requireStable: boolean,
  context: RequestContext,
): { readonly errorCode: number; readonly topics: Found } {
  const errorCode = groupRefusal(context, groupId);
  if (errorCode !== ErrorCode.none) return { errorCode, topics: [] };
  const offsets = context.cluster.groups.get(groupId)?.offsets;
  const wanted = requested ?? (offsets?.topics ?? []).map(({ topic, partitions }) => ({ name: topic, partitionIndexes: partitions }));
  const topics = wanted.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const isUnstable = requireStable && offsets?.hasPending(name, partitionIndex) === true;
      const found = isUnstable ? undefined : offsets?.get(name, partitionIndex);
      return {
        partitionIndex,
        committedOffset: found?.offset ?? -1n,
        committedLeaderEpoch: found?.leaderEpoch ?? -1,
        metadata: found?.metadata ?? "",
        errorCode: isUnstable ? ErrorCode.unstableOffsetCommit : ErrorCode.none,
      };
    }),
  }));
  return { errorCode, topics };
}
