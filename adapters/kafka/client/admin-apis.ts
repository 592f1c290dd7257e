import type { Api } from "./api.ts";
import { type CreateTopicRequest, KafkaProtocolError } from "./kafka-client.ts";
import type { WireReader } from "./wire-reader.ts";

/** The time in which the server carries out a change. After it, the server answers, and the change continues in the background. */
const CHANGE_MS = 30_000;
const TOPIC = 2;
const SET = 0;

function requireNoError(api: string, errorCode: number, message: string | null = null): void {
  if (errorCode !== 0) throw new KafkaProtocolError(api, errorCode, message);
}

/** Answers of the form: throttle time, then one error for each name. */
function readErrors(api: string, reader: WireReader, hasMessage: boolean): void {
  reader.readThrottle();
  reader.array(() => {
    reader.string();
    const errorCode = reader.int16();
    requireNoError(api, errorCode, hasMessage ? reader.nullableString() : null);
  });
}

export const createTopicApi: Api<CreateTopicRequest, void> = {
  name: "CreateTopics",
  key: 19,
  // From version 4 on, -1 lets the server choose partitions and replicas.
  versions: [2, 3, 4],
  purpose: "other",
  waitMs: () => CHANGE_MS,
  isPatient: true,
  write({ topic, partitions, replicationFactor, settings }, writer) {
    writer.int32(1).string(topic).int32(partitions).int16(replicationFactor).int32(0);
    writer.array([...settings], ([name, value]) => writer.string(name).string(value));
    writer.int32(CHANGE_MS).boolean(false);
  },
  read: (reader) => readErrors("CreateTopics", reader, true),
};

export const createPartitionsApi: Api<{ readonly topic: string; readonly count: number }, void> = {
  name: "CreatePartitions",
  key: 37,
  versions: [0, 1],
  purpose: "other",
  waitMs: () => CHANGE_MS,
  isPatient: true,
  write: ({ topic, count }, writer) => void writer.int32(1).string(topic).int32(count).int32(-1).int32(CHANGE_MS).boolean(false),
  read: (reader) => readErrors("CreatePartitions", reader, true),
};

export const deleteTopicApi: Api<string, void> = {
  name: "DeleteTopics",
  key: 20,
  versions: [1, 2, 3],
  purpose: "other",
  waitMs: () => CHANGE_MS,
  isPatient: true,
  write: (topic, writer) => void writer.int32(1).string(topic).int32(CHANGE_MS),
  read: (reader) => readErrors("DeleteTopics", reader, false),
};

export interface DescribeConfigRequest {
  readonly topic: string;
  readonly names: readonly string[] | null;
}

export const describeConfigApi: Api<DescribeConfigRequest, ReadonlyMap<string, string | null>> = {
  name: "DescribeConfigs",
  key: 32,
  versions: [1, 2],
  purpose: "other",
  write({ topic, names }, writer) {
    writer.int32(1).int8(TOPIC).string(topic);
    writer.array(names, (name) => writer.string(name)).boolean(false);
  },
  read(reader) {
    reader.readThrottle();
    const resources = reader.array(() => {
      const errorCode = reader.int16();
      requireNoError("DescribeConfigs", errorCode, reader.nullableString());
      reader.int8();
      reader.string();
      return reader.array((): [string, string | null] => {
        const entry: [string, string | null] = [reader.string(), reader.nullableString()];
        // Skipped: read-only, source, sensitive, synonyms.
        reader.boolean();
        reader.int8();
        reader.boolean();
        reader.array(() => [reader.string(), reader.nullableString(), reader.int8()]);
        return entry;
      });
    });
    return new Map(resources.flat());
  },
};

export interface AlterConfigRequest {
  readonly topic: string;
  readonly settings: ReadonlyMap<string, string>;
}

/** The incremental form. The older one resets all settings that it does not name. */
export const alterConfigApi: Api<AlterConfigRequest, void> = {
  name: "IncrementalAlterConfigs",
  key: 44,
  versions: [0],
  purpose: "other",
  write({ topic, settings }, writer) {
    writer.int32(1).int8(TOPIC).string(topic);
    writer.array([...settings], ([name, value]) => writer.string(name).int8(SET).string(value));
    writer.boolean(false);
  },
  read(reader) {
    reader.readThrottle();
    reader.array(() => {
      const errorCode = reader.int16();
      requireNoError("IncrementalAlterConfigs", errorCode, reader.nullableString());
      reader.int8();
      reader.string();
    });
  },
};

export interface DeleteRecordsRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export const deleteRecordsApi: Api<DeleteRecordsRequest, void> = {
  name: "DeleteRecords",
  key: 21,
  versions: [0, 1],
  purpose: "other",
  waitMs: () => CHANGE_MS,
  isPatient: true,
  write({ topic, partition, offset }, writer) {
    writer.int32(1).string(topic).int32(1).int32(partition).int64(offset).int32(CHANGE_MS);
  },
  read(reader) {
    reader.readThrottle();
    reader.array(() => {
      reader.string();
      reader.array(() => {
        reader.int32();
        reader.int64();
        requireNoError("DeleteRecords", reader.int16());
      });
    });
  },
};
