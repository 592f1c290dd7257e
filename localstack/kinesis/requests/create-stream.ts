import { invalidArgument, limitExceeded } from "../service-error.ts";
import type { Distribution, StreamMode } from "../streams/stream.ts";
import type { Handler } from "./handler.ts";
import { requiredStreamName, tagsMember } from "./members.ts";
import { DEFAULT_RECORD_KIB, DEFAULT_RETENTION_HOURS, HOUR_MS, LARGEST_RECORD_KIB, ON_DEMAND_SHARDS } from "./stream-settings.ts";

export const streamModeMember = {
  type: "structure",
  members: { StreamMode: { type: "string", required: true, oneOf: ["PROVISIONED", "ON_DEMAND"] } },
} as const;
export const distributionMember = { type: "string", oneOf: ["AUTO", "USER_PARTITION_KEY"] } as const;
export const maxRecordMember = { type: "integer", range: [DEFAULT_RECORD_KIB, LARGEST_RECORD_KIB] } as const;

/** The most streams of an account that can be CREATING at one time. */
const MOST_CREATING = 5;

interface Input {
  readonly StreamName: string;
  readonly ShardCount?: number | null;
  readonly StreamModeDetails?: { readonly StreamMode: StreamMode } | null;
  readonly Tags?: Readonly<Record<string, string>> | null;
  readonly MaxRecordSizeInKiB?: number | null;
  readonly RecordDistributionStrategy?: Distribution | null;
}

export const createStream: Handler = {
  name: "CreateStream",
  members: {
    StreamName: requiredStreamName,
    ShardCount: { type: "integer", range: [1, 1_000_000] },
    StreamModeDetails: streamModeMember,
    Tags: tagsMember,
    WarmThroughputMiBps: { type: "integer", range: [0, 1_000_000] },
    MaxRecordSizeInKiB: maxRecordMember,
    RecordDistributionStrategy: distributionMember,
  },
  handle: (input: Input, { streams, times, rates }) => {
    const mode = input.StreamModeDetails?.StreamMode ?? "PROVISIONED";
    const distribution = input.RecordDistributionStrategy ?? "USER_PARTITION_KEY";
    const isOnDemand = mode === "ON_DEMAND";
    if (isOnDemand && typeof input.ShardCount === "number") throw invalidArgument("ShardCount must not be given for an on-demand stream.");
    if (!isOnDemand && typeof input.ShardCount !== "number") throw invalidArgument("ShardCount must be given for a provisioned stream.");
    if (!isOnDemand && distribution === "AUTO") throw invalidArgument("The record distribution AUTO needs an on-demand stream.");
    if (rates.areEnforced && streams.all.filter(({ status }) => status === "CREATING").length >= MOST_CREATING) {
      throw limitExceeded(`More than ${MOST_CREATING} streams cannot be in the CREATING state at the same time.`);
    }
    const stream = streams.create(
      {
        name: input.StreamName,
        shardCount: isOnDemand ? ON_DEMAND_SHARDS : input.ShardCount!,
        mode,
        retentionMs: DEFAULT_RETENTION_HOURS * HOUR_MS,
        maxRecordKiB: input.MaxRecordSizeInKiB ?? DEFAULT_RECORD_KIB,
        distribution,
      },
      times.creatingMs,
    );
    for (const [key, value] of Object.entries(input.Tags ?? {})) stream.tags.set(key, value);
    return {};
  },
};
