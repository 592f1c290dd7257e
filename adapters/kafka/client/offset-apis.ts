import { UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import type { Api } from "./api.ts";
import {
  type CommittedOffset,
  type EpochEndsRequest,
  KafkaProtocolError,
  type ListOffsetsRequest,
  type ListedEpochEnd,
  type ListedOffset,
  type OffsetCommitRequest,
  type PartitionResult,
  type ProducerIdentity,
  type TopicPartitions,
} from "./kafka-client.ts";

const CONSUMER = -1;

export const listOffsetsApi: Api<ListOffsetsRequest, readonly ListedOffset[]> = {
  name: "ListOffsets",
  key: 2,
  versions: [2, 4],
  purpose: "other",
  isPatient: true,
  write({ topic, readCommitted, partitions }, writer, version) {
    writer
      .int32(CONSUMER)
      .int8(readCommitted ? 1 : 0)
      .int32(1)
      .string(topic);
    writer.array(partitions, ({ partition, timestamp }) => {
      writer.int32(partition);
      if (version >= 4) writer.int32(UNKNOWN_EPOCH);
      writer.int64(timestamp);
    });
  },
  read(reader, version) {
    reader.readThrottle();
    const topics = reader.array(() => {
      reader.string();
      return reader.array(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        const timestamp = reader.int64();
        const offset = reader.int64();
        return { partition, errorCode, timestamp, offset, leaderEpoch: version >= 4 ? reader.int32() : UNKNOWN_EPOCH };
      });
    });
    return topics.flat();
  },
};

export const epochEndsApi: Api<EpochEndsRequest, readonly ListedEpochEnd[]> = {
  name: "OffsetForLeaderEpoch",
  key: 23,
  // Earlier versions need a permission on the cluster; this one needs Describe on the topic.
  versions: [3],
  purpose: "other",
  write({ topic, partitions }, writer) {
    writer.int32(CONSUMER).int32(1).string(topic);
    writer.array(partitions, ({ partition, leaderEpoch }) => {
      writer.int32(partition).int32(UNKNOWN_EPOCH).int32(leaderEpoch);
    });
  },
  read(reader) {
    reader.readThrottle();
    const topics = reader.array(() => {
      reader.string();
      return reader.array(() => {
        const errorCode = reader.int16();
        return { errorCode, partition: reader.int32(), leaderEpoch: reader.int32(), endOffset: reader.int64() };
      });
    });
    return topics.flat();
  },
};

export const initProducerIdApi: Api<null, ProducerIdentity> = {
  name: "InitProducerId",
  key: 22,
  versions: [0, 1],
  purpose: "other",
  write(_request, writer) {
    // No transactional id. The time-out is for transactions only.
    writer.string(null).int32(60_000);
  },
  read(reader) {
    reader.readThrottle();
    const errorCode = reader.int16();
    if (errorCode !== 0) throw new KafkaProtocolError("InitProducerId", errorCode);
    return { producerId: reader.int64(), epoch: reader.int16() };
  },
};

export const offsetCommitApi: Api<OffsetCommitRequest, readonly PartitionResult[]> = {
  name: "OffsetCommit",
  key: 8,
  versions: [5, 6],
  purpose: "group",
  write({ group, generation, memberId, topic, partitions }, writer, version) {
    writer.string(group).int32(generation).string(memberId).int32(1).string(topic);
    writer.array(partitions, ({ partition, offset, leaderEpoch, metadata }) => {
      writer.int32(partition).int64(offset);
      if (version >= 6) writer.int32(leaderEpoch);
      writer.string(metadata);
    });
  },
  read(reader) {
    reader.readThrottle();
    const topics = reader.array(() => {
      const topic = reader.string();
      return reader.array(() => ({ topic, partition: reader.int32(), errorCode: reader.int16() }));
    });
    return topics.flat();
  },
};

export interface OffsetFetchRequest {
  readonly group: string;
  readonly topics: readonly TopicPartitions[] | null;
}

export const offsetFetchApi: Api<OffsetFetchRequest, readonly CommittedOffset[]> = {
  name: "OffsetFetch",
  key: 9,
  versions: [3, 4, 5],
  purpose: "group",
  write({ group, topics }, writer) {
    writer.string(group);
    writer.array(topics, ({ topic, partitions }) => {
      writer.string(topic).array(partitions, (partition) => writer.int32(partition));
    });
  },
  read(reader, version) {
    reader.readThrottle();
    const topics = reader.array(() => {
      const topic = reader.string();
      return reader.array(() => {
        const partition = reader.int32();
        const offset = reader.int64();
        const leaderEpoch = version >= 5 ? reader.int32() : UNKNOWN_EPOCH;
        const metadata = reader.nullableString();
        return { topic, partition, offset, leaderEpoch, metadata, errorCode: reader.int16() };
      });
    });
    const errorCode = reader.int16();
    if (errorCode !== 0) throw new KafkaProtocolError("OffsetFetch", errorCode);
    return topics.flat();
  },
};

export interface OffsetDeleteRequest {
  readonly group: string;
  readonly topics: readonly TopicPartitions[];
}

export const offsetDeleteApi: Api<OffsetDeleteRequest, readonly PartitionResult[]> = {
  name: "OffsetDelete",
  key: 47,
  versions: [0],
  purpose: "other",
  write({ group, topics }, writer) {
    writer.string(group);
    writer.array(topics, ({ topic, partitions }) => {
      writer.string(topic).array(partitions, (partition) => writer.int32(partition));
    });
  },
  read(reader) {
    const errorCode = reader.int16();
    reader.readThrottle();
    if (errorCode !== 0) throw new KafkaProtocolError("OffsetDelete", errorCode);
    const topics = reader.array(() => {
      const topic = reader.string();
      return reader.array(() => ({ topic, partition: reader.int32(), errorCode: reader.int16() }));
    });
    return topics.flat();
  },
};
