import { offsetFetchApi } from "../apis/offset-fetch.ts";
import { ErrorCode } from "../error-code.ts";
import type { AnswerOf, RequestOf } from "../wire/api.ts";
import { groupRefusal } from "./group-refusal.ts";
import { type RequestContext, handler } from "./handler.ts";

const FIRST_WITH_SEVERAL = 8;

type Asked = RequestOf<typeof offsetFetchApi>["topics"];
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
  asked: Asked,
  requireStable: boolean,
  context: RequestContext,
): { readonly errorCode: number; readonly topics: Found } {
  const errorCode = groupRefusal(context, groupId);
  if (errorCode !== ErrorCode.none) return { errorCode, topics: [] };
  const offsets = context.cluster.groups.get(groupId)?.offsets;
  const wanted = asked ?? (offsets?.topics ?? []).map(({ topic, partitions }) => ({ name: topic, partitionIndexes: partitions }));
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
