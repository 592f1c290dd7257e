import { UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import type { Api } from "./api.ts";
import { type FetchRequest, type FetchedPartition, KafkaProtocolError } from "./kafka-client.ts";
import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

const CONSUMER = -1;
const NO_SESSION_EPOCH = -1;
const DIVERGING_EPOCH_TAG = 0;
const WITH_TOPIC_IDS = 13;
const FLEXIBLE = 12;
const PLAIN = 11;

/** Without fetch sessions: every request lists all its partitions. From version 13 on, topic ids replace topic names. */
export const fetchApi: Api<FetchRequest, readonly FetchedPartition[]> = {
  name: "Fetch",
  key: 1,
  versions: [4, 5, 6, 7, 8, 9, 10, PLAIN, WITH_TOPIC_IDS],
  flexibleFrom: FLEXIBLE,
  purpose: "fetch",
  waitMs: ({ maxWaitMs }) => maxWaitMs,
  newestFor: ({ topicId }) => (topicId === null ? PLAIN : WITH_TOPIC_IDS),
  write(request, writer, version) {
    writer.int32(CONSUMER).int32(request.maxWaitMs).int32(request.minBytes).int32(request.maxBytes);
    writer.int8(request.readCommitted ? 1 : 0);
    if (version >= 7) writer.int32(0).int32(NO_SESSION_EPOCH);
    if (version < FLEXIBLE) writePlain(request, writer, version);
    else writeFlexible(request, writer);
  },
  read: (reader, version) => (version < FLEXIBLE ? readPlain(reader, version) : readFlexible(reader)),
};

function writePlain({ topic, partitions }: FetchRequest, writer: WireWriter, version: number): void {
  writer.int32(1).string(topic);
  writer.array(partitions, ({ partition, fetchOffset, maxBytes }) => {
    writer.int32(partition);
    if (version >= 9) writer.int32(UNKNOWN_EPOCH);
    writer.int64(fetchOffset);
    if (version >= 5) writer.int64(-1n);
    writer.int32(maxBytes);
  });
  if (version >= 7) writer.int32(0);
  if (version >= 11) writer.string("");
}

function writeFlexible(request: FetchRequest, writer: WireWriter): void {
  writer.compactArray([request], ({ topicId, partitions }) => {
    writer.uuid(topicId!);
    writer.compactArray(partitions, ({ partition, fetchOffset, lastFetchedEpoch, maxBytes }) => {
      writer.int32(partition).int32(UNKNOWN_EPOCH).int64(fetchOffset).int32(lastFetchedEpoch).int64(-1n).int32(maxBytes).noTags();
    });
    writer.noTags();
  });
  writer.compactArray([], () => undefined);
  writer.compactString("").noTags();
}

function readPlain(reader: WireReader, version: number): FetchedPartition[] {
  reader.readThrottle();
  if (version >= 7) requireNoError(reader);
  const topics = reader.array(() => {
    reader.string();
    return reader.array((): FetchedPartition => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      const logStartOffset = version >= 5 ? reader.int64() : -1n;
      const abortedTransactions = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
      if (version >= 11) reader.int32();
      const batches = reader.bytes();
      return { partition, errorCode, highWatermark, lastStableOffset, logStartOffset, divergingEpoch: null, abortedTransactions, batches };
    });
  });
  return topics.flat();
}

function readFlexible(reader: WireReader): FetchedPartition[] {
  reader.readThrottle();
  requireNoError(reader);
  const topics = reader.compactArray(() => {
    reader.uuid();
    const partitions = reader.compactArray((): FetchedPartition => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      const logStartOffset = reader.int64();
      const abortedTransactions = reader.compactArray(() => {
        const aborted = { producerId: reader.int64(), firstOffset: reader.int64() };
        reader.skipTags();
        return aborted;
      });
      reader.int32();
      const batches = reader.compactBytes();
      const divergingEpoch = reader.tagged(DIVERGING_EPOCH_TAG, () => {
        const diverging = { leaderEpoch: reader.int32(), endOffset: reader.int64() };
        reader.skipTags();
        return diverging;
      });
      return { partition, errorCode, highWatermark, lastStableOffset, logStartOffset, divergingEpoch, abortedTransactions, batches };
    });
    reader.skipTags();
    return partitions;
  });
  return topics.flat();
}

function requireNoError(reader: WireReader): void {
  const errorCode = reader.int16();
  // The session, which is not used.
  reader.int32();
  if (errorCode !== 0) throw new KafkaProtocolError("Fetch", errorCode);
}
