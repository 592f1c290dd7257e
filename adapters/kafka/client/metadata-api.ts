import type { Api } from "./api.ts";
import type { ClusterMetadata, TopicMetadata } from "./kafka-client.ts";
import type { WireReader } from "./wire-reader.ts";

const WITH_TOPIC_IDS = 12;
const NO_TOPIC_ID = "0".repeat(32);

/** Version 12 has topic ids. Version 5 is for older servers and for other servers with Kafka's protocol. */
export const metadataApi: Api<readonly string[] | null, ClusterMetadata> = {
  name: "Metadata",
  key: 3,
  versions: [5, WITH_TOPIC_IDS],
  flexibleFrom: 9,
  purpose: "other",
  write(topics, writer, version) {
    if (version < WITH_TOPIC_IDS) {
      writer.array(topics, (topic) => writer.string(topic)).boolean(false);
      return;
    }
    writer.compactArray(topics, (topic) => writer.uuid(NO_TOPIC_ID).compactString(topic).noTags());
    // Do not create topics, and do not report operations.
    writer.boolean(false).boolean(false).noTags();
  },
  read: (reader, version) => (version < WITH_TOPIC_IDS ? readPlain(reader) : readFlexible(reader)),
};

function readPlain(reader: WireReader): ClusterMetadata {
  reader.readThrottle();
  const brokers = reader.array(() => {
    const broker = { brokerId: reader.int32(), host: reader.string(), port: reader.int32() };
    reader.nullableString();
    return broker;
  });
  const clusterId = reader.nullableString();
  const controllerId = reader.int32();
  const topics = reader.array((): TopicMetadata => {
    const errorCode = reader.int16();
    const topic = reader.string();
    const isInternal = reader.boolean();
    const partitions = reader.array(() => {
      const partition = { errorCode: reader.int16(), partition: reader.int32(), leaderId: reader.int32() };
      for (let list = 0; list < 3; list += 1) reader.array(() => reader.int32());
      return partition;
    });
    return { errorCode, topic, topicId: null, isInternal, partitions: inOrder(partitions) };
  });
  return { brokers, clusterId, controllerId, topics };
}

function readFlexible(reader: WireReader): ClusterMetadata {
  reader.readThrottle();
  const brokers = reader.compactArray(() => {
    const broker = { brokerId: reader.int32(), host: reader.compactNullableString() ?? "", port: reader.int32() };
    reader.compactNullableString();
    reader.skipTags();
    return broker;
  });
  const clusterId = reader.compactNullableString();
  const controllerId = reader.int32();
  const topics = reader.compactArray((): TopicMetadata => {
    const errorCode = reader.int16();
    const topic = reader.compactNullableString() ?? "";
    const topicId = reader.uuid();
    const isInternal = reader.boolean();
    const partitions = reader.compactArray(() => {
      const partition = { errorCode: reader.int16(), partition: reader.int32(), leaderId: reader.int32() };
      reader.int32();
      for (let list = 0; list < 3; list += 1) reader.compactArray(() => reader.int32());
      reader.skipTags();
      return partition;
    });
    reader.int32();
    reader.skipTags();
    return { errorCode, topic, topicId: topicId === NO_TOPIC_ID ? null : topicId, isInternal, partitions: inOrder(partitions) };
  });
  return { brokers, clusterId, controllerId, topics };
}

function inOrder<Partition extends { readonly partition: number }>(partitions: Partition[]): Partition[] {
  return partitions.toSorted((a, b) => a.partition - b.partition);
}
