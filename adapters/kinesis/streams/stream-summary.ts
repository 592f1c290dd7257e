import type { StreamDescriptionSummary } from "@aws-sdk/client-kinesis";
import type { TopicIdentity } from "../../../src/driver/index.ts";
import { DEFAULT_RECORD_BYTES } from "../capabilities.ts";

const HOUR_MS = 3_600_000;

/** A stream as the service described it at one moment. */
export interface StreamSummary {
  readonly identity: TopicIdentity;
  readonly isActive: boolean;
  /** `CREATING`, `DELETING`, `ACTIVE`, `UPDATING`. An updating stream takes and gives records. */
  readonly status: string;
  readonly isOnDemand: boolean;
  /** The service ignores partition keys: `RecordDistributionStrategy: AUTO`. */
  readonly ignoresKeys: boolean;
  readonly retentionMs: number;
  /** Of a record with its partition key. */
  readonly recordBytes: number;
  readonly openShards: number;
}

export function toSummary(described: StreamDescriptionSummary): StreamSummary {
  const { StreamName, StreamARN, StreamStatus, StreamCreationTimestamp, RetentionPeriodHours, OpenShardCount } = described;
  const [, , , region = "", account = ""] = (StreamARN ?? "").split(":");
  return {
    // Streams are distinguished by when they were created: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescriptionSummary.html
    identity: {
      cluster: `${account}/${region}`,
      topic: StreamName ?? "",
      incarnation: String(StreamCreationTimestamp?.getTime() ?? ""),
    },
    isActive: StreamStatus === "ACTIVE",
    status: StreamStatus ?? "",
    isOnDemand: described.StreamModeDetails?.StreamMode === "ON_DEMAND",
    ignoresKeys: described.RecordDistributionStrategy === "AUTO",
    retentionMs: (RetentionPeriodHours ?? 24) * HOUR_MS,
    recordBytes: described.MaxRecordSizeInKiB === undefined ? DEFAULT_RECORD_BYTES : described.MaxRecordSizeInKiB * 1_024,
    openShards: OpenShardCount ?? 0,
  };
}
