import type { Api } from "./api.ts";
import type { AllowedOperations } from "./kafka-client.ts";
import type { WireReader } from "./wire-reader.ts";

/** The value of a server that does not report the operations. */
const NOT_REPORTED = -2_147_483_648;

/** Metadata in the newest version that reports the operations on the cluster as well. */
export const topicOperationsApi: Api<string, { readonly errorCode: number } & Record<"topic" | "cluster", AllowedOperations>> = {
  name: "Metadata",
  key: 3,
  versions: [8],
  purpose: "other",
  write(topic, writer) {
    writer.array([topic], (name) => writer.string(name));
    // Do not create topics. Report the operations on the cluster and on the topic.
    writer.boolean(false).boolean(true).boolean(true);
  },
  read(reader) {
    reader.readThrottle();
    reader.array(() => {
      reader.int32();
      reader.string();
      reader.int32();
      reader.nullableString();
    });
    reader.nullableString();
    reader.int32();
    const [topic] = reader.array(() => {
      const errorCode = reader.int16();
      reader.string();
      reader.boolean();
      reader.array(() => skipPartition(reader));
      return { errorCode, operations: readOperations(reader) };
    });
    if (topic === undefined) throw new RangeError("the answer describes no topic");
    return { errorCode: topic.errorCode, topic: topic.operations, cluster: readOperations(reader) };
  },
};

function skipPartition(reader: WireReader): void {
  reader.int16();
  for (let number = 0; number < 3; number += 1) reader.int32();
  for (let list = 0; list < 3; list += 1) reader.array(() => reader.int32());
}

export const groupOperationsApi: Api<string, { readonly errorCode: number; readonly group: AllowedOperations }> = {
  name: "DescribeGroups",
  key: 15,
  versions: [3],
  purpose: "other",
  write: (group, writer) => void writer.array([group], (name) => writer.string(name)).boolean(true),
  read(reader) {
    reader.readThrottle();
    const [group] = reader.array(() => {
      const errorCode = reader.int16();
      for (let text = 0; text < 4; text += 1) reader.string();
      reader.array(() => {
        for (let text = 0; text < 3; text += 1) reader.string();
        reader.bytes();
        reader.bytes();
      });
      return { errorCode, group: readOperations(reader) };
    });
    if (group === undefined) throw new RangeError("the answer describes no group");
    return group;
  },
};

function readOperations(reader: WireReader): AllowedOperations {
  const bits = reader.int32();
  return bits === NOT_REPORTED ? null : bits;
}
