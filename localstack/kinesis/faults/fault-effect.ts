import type { Fault } from "../../../src/driver/index.ts";
import type { FaultVocabulary } from "../../faults/fault-plan.ts";
import { COMMITS, LEASE_WRITES, LOOKS_AT_TABLES, TABLE_CHANGES } from "../tables/table-call.ts";

/** What a fault does to a call. */
export type FaultEffect =
  /** The call as a whole is refused with this error: before it is carried out, or after. */
  | { readonly what: "error"; readonly type: string; readonly status: number; readonly message: string; readonly isStored: boolean }
  /** Each record of the call that the fault applies to is refused with this error code, in an answer that is no error itself. */
  | { readonly what: "refuse-entries"; readonly code: string }
  /** The records are stored, and the answer says that they failed. */
  | { readonly what: "fail-stored-entries" }
  /** One message is invalid, now and at every retry. The service refuses the call, or only its record. */
  | { readonly what: "invalid-record"; readonly refused: RefusedPart }
  | { readonly what: "disconnect" }
  /** The call is carried out, and the connection is closed instead of an answer. */
  | { readonly what: "lose-answer" }
  | { readonly what: "delay"; readonly durationMs: number }
  /** The answer stops in the middle of its body for so long. */
  | { readonly what: "stall-body"; readonly durationMs: number }
  | { readonly what: "expire-iterator" }
  /** The lease that the call writes gets another owner before. */
  | { readonly what: "steal-lease" }
  /** All leases of the table lose their owners before. */
  | { readonly what: "free-leases" }
  | { readonly what: "restart" };

export type RefusedPart = "the call" | "the record";

/** One of the ways in which the service shows a fault: the effects that occur together. */
export type FaultVariant = readonly FaultEffect[];

const DEFAULT_STALL_MS = 1_000;
const PUTS = ["PutRecord", "PutRecords"];
const READS = ["GetRecords"];
const STREAM_CHANGES = [
  "CreateStream",
  "DeleteStream",
  "SplitShard",
  "MergeShards",
  "UpdateShardCount",
  "IncreaseStreamRetentionPeriod",
  "DecreaseStreamRetentionPeriod",
  "UpdateStreamMode",
  "UpdateMaxRecordSize",
  "UpdateStreamRecordDistributionStrategy",
];
const LOOKS_AT_STREAMS = ["DescribeStream", "DescribeStreamSummary", "ListShards", "ListStreams", "DescribeLimits"];
const CHANGES = [...STREAM_CHANGES, ...TABLE_CHANGES];

const THROTTLED = "ProvisionedThroughputExceededException";
const internalFailure = (isStored: boolean): FaultVariant => [
  { what: "error", type: "InternalFailureException", status: 500, message: "Internal Service Error", isStored },
];

/** How the service shows the faults of the shared vocabulary. The variants of a fault take turns, so that a client that gets several faults sees every one. */
export const KINESIS_FAULTS: FaultVocabulary<readonly FaultVariant[]> = {
  provider: "kinesis",
  kinds: {
    throttle: (fault) =>
      fault.operation === "commit"
        ? { effect: [throttledCall("Throughput exceeds the current capacity of your table")], calls: LEASE_WRITES }
        : {
            effect: [[{ what: "refuse-entries", code: THROTTLED }], throttledCall("Rate exceeded for a shard of the stream")],
            calls: PUTS,
          },
    "fail-entry": () => ({
      effect: [[{ what: "invalid-record", refused: "the call" }], [{ what: "invalid-record", refused: "the record" }]],
      calls: PUTS,
    }),
    "fail-before-write": ({ operation }) =>
      operation === "commit"
        ? { effect: [internalFailure(false)], calls: LEASE_WRITES }
        : {
            effect: [
              [{ what: "refuse-entries", code: "InternalFailure" }],
              internalFailure(false),
              [{ what: "error", type: "ServiceUnavailable", status: 503, message: "Service Unavailable", isStored: false }],
            ],
            calls: PUTS,
          },
    "fail-after-write": failAfterWrite,
    disconnect: () => ({ effect: [[{ what: "disconnect" }]], calls: null }),
    stall: ({ durationMs = DEFAULT_STALL_MS }) => ({
      effect: [[{ what: "delay", durationMs }], [{ what: "stall-body", durationMs }]],
      calls: [...PUTS, ...READS],
    }),
    "expire-cursor": () => ({ effect: [[{ what: "expire-iterator" }]], calls: READS }),
    "steal-partition": () => ({ effect: [[{ what: "steal-lease" }]], calls: COMMITS }),
    "lose-coordinator": () => ({ effect: [[{ what: "free-leases" }]], calls: COMMITS }),
    "refuse-authorization": () => ({
      effect: [
        [
          {
            what: "error",
            type: "AccessDeniedException",
            status: 400,
            message: "User is not authorized to perform this action",
            isStored: false,
          },
        ],
      ],
      calls: null,
    }),
    restart: () => ({ effect: [[{ what: "restart" }]], calls: null }),
  },
  operations: {
    publish: PUTS,
    fetch: ["GetShardIterator", ...READS],
    commit: COMMITS,
    admin: [...CHANGES, ...LOOKS_AT_STREAMS, ...LOOKS_AT_TABLES],
  },
};

function throttledCall(message: string): FaultVariant {
  return [{ what: "error", type: THROTTLED, status: 400, message, isStored: false }];
}

function failAfterWrite({ operation }: Fault): { readonly effect: readonly FaultVariant[]; readonly calls: readonly string[] } {
  if (operation === "admin") return { effect: [[{ what: "lose-answer" }]], calls: CHANGES };
  const [serverError, lost] = [internalFailure(true), [{ what: "lose-answer" }]] as const;
  if (operation === "commit") return { effect: [serverError, lost], calls: LEASE_WRITES };
  return { effect: [serverError, lost, [{ what: "fail-stored-entries" }]], calls: PUTS };
}
