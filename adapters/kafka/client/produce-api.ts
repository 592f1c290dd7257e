import type { Api } from "./api.ts";
import type { ProduceRequest, ProducedPartition } from "./kafka-client.ts";
import type { WireReader } from "./wire-reader.ts";

const ALL_IN_SYNC_REPLICAS = -1;
const WITH_TOPIC_IDS = 13;
const FLEXIBLE = 9;
/** The last version with topic names and without tagged fields. */
const PLAIN = 7;

/** Versions 3 to 7 have the same request layout. From version 13 on, topic ids replace topic names. */
export const produceApi: Api<ProduceRequest, readonly ProducedPartition[]> = {
  name: "Produce",
  key: 0,
  versions: [3, 4, 5, 6, PLAIN, WITH_TOPIC_IDS],
  flexibleFrom: FLEXIBLE,
  purpose: "produce",
  isPatient: true,
  newestFor: ({ topicId }) => (topicId === null ? PLAIN : WITH_TOPIC_IDS),
  write(request, writer, version) {
    if (version < FLEXIBLE) {
      writer.string(null).int16(ALL_IN_SYNC_REPLICAS).int32(request.timeoutMs).int32(1).string(request.topic);
      writer.array(request.partitions, ({ partition, batch }) => {
        writer.int32(partition).int32(byteLength(batch));
        for (const piece of batch) writer.piece(piece);
      });
      return;
    }
    writer.compactString(null).int16(ALL_IN_SYNC_REPLICAS).int32(request.timeoutMs);
    writer.compactArray([request], ({ topicId, partitions }) => {
      writer.uuid(topicId!);
      writer.compactArray(partitions, ({ partition, batch }) => {
        writer.int32(partition).unsignedVarint(byteLength(batch) + 1);
        for (const piece of batch) writer.piece(piece);
        writer.noTags();
      });
      writer.noTags();
    });
    writer.noTags();
  },
  read: (reader, version) => (version < FLEXIBLE ? readPlain(reader, version) : readFlexible(reader)),
};

function byteLength(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.byteLength;
  return bytes;
}

function readPlain(reader: WireReader, version: number): ProducedPartition[] {
  const topics = reader.array(() => {
    reader.string();
    return reader.array(() => readPartition(reader, version));
  });
  reader.readThrottle();
  return topics.flat();
}

function readPartition(reader: WireReader, version: number): ProducedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  const logAppendTimeMs = Number(reader.int64());
  // The low watermark.
  if (version >= 5) reader.int64();
  return { partition, errorCode, baseOffset, logAppendTimeMs };
}

function readFlexible(reader: WireReader): ProducedPartition[] {
  const topics = reader.compactArray(() => {
    reader.uuid();
    const partitions = reader.compactArray(() => {
      const partition = readPartition(reader, FLEXIBLE);
      // Skipped: the refused records. The core finds them itself, because not every server reports them.
      reader.compactArray(() => {
        reader.int32();
        reader.compactNullableString();
        reader.skipTags();
      });
      reader.compactNullableString();
      reader.skipTags();
      return partition;
    });
    reader.skipTags();
    return partitions;
  });
  reader.readThrottle();
  return topics.flat();
}
