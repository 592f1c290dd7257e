import { createStream } from "./create-stream.ts";
import { deleteStream } from "./delete-stream.ts";
import { describeLimits } from "./describe-limits.ts";
import { describeStream, describeStreamSummary } from "./describe-stream.ts";
import { getRecords } from "./get-records.ts";
import { getShardIterator } from "./get-shard-iterator.ts";
import type { Handler } from "./handler.ts";
import { listShards } from "./list-shards.ts";
import { listStreams } from "./list-streams.ts";
import { putRecord } from "./put-record.ts";
import { putRecords } from "./put-records.ts";
import { consumerHandlers } from "./stream-consumers.ts";
import { reshardHandlers } from "./reshard.ts";
import { tagHandlers } from "./tags.ts";
import { updateHandlers } from "./update-stream.ts";

/** Every operation of the API that is served, by its name. */
export const handlers: ReadonlyMap<string, Handler> = new Map(
  [
    putRecord,
    putRecords,
    getShardIterator,
    getRecords,
    createStream,
    deleteStream,
    describeStream,
    describeStreamSummary,
    describeLimits,
    listStreams,
    listShards,
    ...reshardHandlers,
    ...updateHandlers,
    ...tagHandlers,
    ...consumerHandlers,
  ].map((handler) => [handler.name, handler]),
);
