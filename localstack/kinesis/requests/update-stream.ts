import { invalidArgument } from "../service-error.ts";
import type { Distribution, Stream, StreamMode } from "../streams/stream.ts";
import { distributionMember, maxRecordMember, streamModeMember } from "./create-stream.ts";
import { type Handler, type RequestContext, type StreamInput, streamOf } from "./handler.ts";
import { type Member, requiredStreamArn, streamMembers } from "./members.ts";
import { DEFAULT_RETENTION_HOURS, HOUR_MS, LONGEST_RETENTION_HOURS } from "./stream-settings.ts";

const hoursMember = {
  type: "integer",
  required: true,
  range: [-2_147_483_648, 2_147_483_647],
} as const satisfies Member;

interface RetentionInput extends StreamInput {
  readonly RetentionPeriodHours: number;
}

function changeRetention(name: string, isRefused: (hours: number, now: number) => boolean, rule: string): Handler {
  return {
    name,
    members: { ...streamMembers, RetentionPeriodHours: hoursMember },
    handle: ({ RetentionPeriodHours: hours, ...input }: RetentionInput, context) => {
      const stream = streamToUpdate(input, context);
      if (hours < DEFAULT_RETENTION_HOURS) {
        const least = `Minimum allowed retention period is ${DEFAULT_RETENTION_HOURS} hours`;
        throw invalidArgument(`${least}. Requested retention period (${hours} hours) is too short.`);
      }
      if (hours > LONGEST_RETENTION_HOURS) {
        const most = `Maximum allowed retention period is ${LONGEST_RETENTION_HOURS} hours`;
        throw invalidArgument(`${most}. Requested retention period (${hours} hours) is too long.`);
      }
      if (isRefused(hours, stream.retentionMs / HOUR_MS)) {
        const now = `existing retention period (${stream.retentionHours} hours)`;
        throw invalidArgument(`Requested retention period (${hours} hours) for stream ${stream.name} ${rule} ${now}.`);
      }
      stream.retentionMs = hours * HOUR_MS;
      stream.startUpdate(context.times.updatingMs);
      return {};
    },
  };
}

interface ModeInput extends StreamInput {
  readonly StreamModeDetails: { readonly StreamMode: StreamMode };
}

const updateStreamMode: Handler = {
  name: "UpdateStreamMode",
  members: {
    StreamARN: requiredStreamArn,
    StreamModeDetails: { ...streamModeMember, required: true },
    WarmThroughputMiBps: { type: "integer", range: [0, 1_000_000] },
  },
  handle: ({ StreamModeDetails, ...input }: ModeInput, context) => {
    const stream = streamToUpdate(input, context);
    stream.mode = StreamModeDetails.StreamMode;
    if (stream.mode === "PROVISIONED") stream.distribution = "USER_PARTITION_KEY";
    stream.startUpdate(context.times.updatingMs);
    return {};
  },
};

interface MaxRecordInput extends StreamInput {
  readonly MaxRecordSizeInKiB: number;
}

const updateMaxRecordSize: Handler = {
  name: "UpdateMaxRecordSize",
  members: { StreamARN: streamMembers.StreamARN, MaxRecordSizeInKiB: { ...maxRecordMember, required: true } },
  handle: ({ MaxRecordSizeInKiB, ...input }: MaxRecordInput, context) => {
    const stream = streamToUpdate(input, context);
    stream.maxRecordKiB = MaxRecordSizeInKiB;
    stream.startUpdate(context.times.updatingMs);
    return {};
  },
};

interface DistributionInput extends StreamInput {
  readonly RecordDistributionStrategy: Distribution;
}

/** It takes effect at once. */
const updateDistribution: Handler = {
  name: "UpdateStreamRecordDistributionStrategy",
  members: { StreamARN: requiredStreamArn, RecordDistributionStrategy: { ...distributionMember, required: true } },
  handle: ({ RecordDistributionStrategy: distribution, ...input }: DistributionInput, context) => {
    const stream = streamToUpdate(input, context);
    if (distribution === "AUTO" && stream.mode === "PROVISIONED") {
      throw invalidArgument("The record distribution AUTO needs an on-demand stream.");
    }
    stream.distribution = distribution;
    return {};
  },
};

export const updateHandlers: readonly Handler[] = [
  changeRetention("IncreaseStreamRetentionPeriod", (hours, now) => hours < now, "can not be shorter than"),
  changeRetention("DecreaseStreamRetentionPeriod", (hours, now) => hours > now, "can not be longer than"),
  updateStreamMode,
  updateMaxRecordSize,
  updateDistribution,
];

function streamToUpdate(input: StreamInput, context: RequestContext): Stream {
  const stream = streamOf(input, context);
  stream.requireActive(context.streams.account.accountId);
  return stream;
}
