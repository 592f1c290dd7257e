import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, string } from "../wire/types.ts";
import { type RequestContext, handler } from "./handler.ts";
import { ledPartition } from "./led-partition.ts";

export const deleteRecordsApi = defineApi({
  name: "DeleteRecords",
  key: 21,
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, offset: int64 })) })),
    timeoutMs: int32,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 })) })),
  },
});

/** Stands for the end of the log: all records are deleted. */
const ALL = -1n;

export const deleteRecords = handler(
  deleteRecordsApi,
  ({ topics }, context) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => ({
        partitionIndex,
        ...deleteBefore(name, partitionIndex, offset, context),
      })),
    })),
  }),
  { topics: ({ topics }) => topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]) },
);

function deleteBefore(
  name: string,
  index: number,
  offset: bigint,
  context: RequestContext,
): { readonly lowWatermark: bigint; readonly errorCode: number } {
  const refused = (errorCode: number) => ({ lowWatermark: -1n, errorCode });
  const refusal = context.faults.refusalOf(ErrorCode.topicAuthorizationFailed, name, index);
  if (refusal !== ErrorCode.none) return refused(refusal);
  const topic = context.cluster.topics.get(name);
  const partition = ledPartition(context, topic, index);
  if (typeof partition === "number") return refused(partition);
  if (topic?.config.isDeleted === false) return refused(ErrorCode.policyViolation);
  const { log } = partition;
  const wanted = offset === ALL ? log.endOffset : offset;
  if (wanted < 0n || wanted > log.endOffset) return refused(ErrorCode.offsetOutOfRange);
  log.deleteBefore(wanted);
  return { lowWatermark: log.startOffset, errorCode: ErrorCode.none };
}
