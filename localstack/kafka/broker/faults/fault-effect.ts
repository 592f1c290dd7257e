import type { FaultVocabulary, PlannedEffect } from "../../../faults/fault-plan.ts";
import { ErrorCode } from "../error-code.ts";

/** What a fault does to a request. */
export type FaultEffect =
  /** The request is refused with this code, before its records are stored or after. `authorization`: the code of a missing permission. */
  | { readonly what: "error"; readonly errorCode: number | "authorization"; readonly isStored: boolean }
  /** One of its records is invalid, now and at every retry. */
  | { readonly what: "invalid-record" }
  | { readonly what: "disconnect" }
  /** The request is carried out, but the broker closes the connection instead of answering. */
  | { readonly what: "lose-answer" }
  /** Another replica becomes the leader, before the batch is stored or after. `otherwise`: the code if the partition has no other replica. */
  | { readonly what: "move-leader"; readonly isStored: boolean; readonly otherwise: number }
  /** The broker that received the request loses the leadership of its partitions. */
  | { readonly what: "step-down" }
  | { readonly what: "delay"; readonly durationMs: number }
  /** The member that sent the request is removed from its group, as if its session had timed out. */
  | { readonly what: "evict-member" }
  /** Another broker becomes the coordinator of the group. It knows no members. */
  | { readonly what: "move-coordinator" }
  | { readonly what: "restart" };

/** One of the variants in which a server shows a kind of fault: the effects that occur together. */
export type FaultVariant = readonly FaultEffect[];

const DEFAULT_STALL_MS = 1_000;
const OF_MEMBERS = ["Heartbeat", "OffsetCommit"];
/** The requests that change something for the administration. */
const CHANGES = [
  "CreateTopics",
  "CreatePartitions",
  "DeleteTopics",
  "AlterConfigs",
  "IncrementalAlterConfigs",
  "DeleteGroups",
  "OffsetDelete",
];
const LOOKS = ["Metadata", "DescribeConfigs", "DescribeGroups", "ListGroups"];

/** How Kafka shows the faults of the shared vocabulary. The variants of a fault take turns, so that a client that gets several faults sees every one. */
export const KAFKA_FAULTS: FaultVocabulary<readonly FaultVariant[]> = {
  provider: "kafka",
  kinds: {
    throttle: () => ({ effect: [refusal(ErrorCode.throttlingQuotaExceeded)], calls: ["Produce"] }),
    "fail-entry": () => ({ effect: [[{ what: "invalid-record" }]], calls: ["Produce"] }),
    "fail-before-write": () => ({
      effect: [refusal(ErrorCode.notEnoughReplicas), [{ what: "move-leader", isStored: false, otherwise: ErrorCode.notEnoughReplicas }]],
      calls: ["Produce"],
    }),
    "fail-after-write": ({ operation }) =>
      operation === "admin"
        ? { effect: [[{ what: "lose-answer" }]], calls: CHANGES }
        : {
            effect: [
              [{ what: "error", errorCode: ErrorCode.requestTimedOut, isStored: true }],
              [{ what: "lose-answer" }],
              [{ what: "move-leader", isStored: true, otherwise: ErrorCode.requestTimedOut }],
            ],
            calls: ["Produce"],
          },
    disconnect: () => ({ effect: [[{ what: "disconnect" }], [{ what: "step-down" }, { what: "disconnect" }]], calls: null }),
    stall: ({ durationMs = DEFAULT_STALL_MS }) => ({ effect: [[{ what: "delay", durationMs }]], calls: ["Produce", "Fetch"] }),
    "expire-cursor": () => ({ effect: [refusal(ErrorCode.offsetOutOfRange)], calls: ["Fetch"] }),
    "steal-partition": () => ({ effect: [[{ what: "evict-member" }]], calls: OF_MEMBERS }),
    "lose-coordinator": () => ({ effect: [[{ what: "move-coordinator" }]], calls: OF_MEMBERS }),
    "refuse-authorization": () => ({ effect: [refusal("authorization")], calls: null }),
    restart: () => ({ effect: [[{ what: "restart" }]], calls: null }),
  },
  operations: {
    publish: ["Produce"],
    fetch: ["Fetch", "ListOffsets"],
    commit: ["OffsetCommit", "TxnOffsetCommit"],
    admin: [...CHANGES, ...LOOKS],
  },
  refuse: ({ partition }) =>
    partition === undefined || /^\d+$/.test(partition)
      ? null
      : `a fault names partition ${JSON.stringify(partition)}; partitions are numbers, from "0" on`,
};

/** Answers requests of one kind with an error code. */
export interface ErrorAnswer {
  /** Kafka's name of the request: `Produce`, `Fetch`, `Metadata`, … */
  readonly api: string;
  readonly errorCode: number;
  /** For Produce and OffsetCommit: whether the records or offsets are stored before the error is answered. @default false */
  readonly isStored?: boolean | undefined;
  /** Skips this many such requests first. @default 0 */
  readonly after?: number | undefined;
  /** @default 1 */
  readonly times?: number | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
}

export function plannedAnswer(answer: ErrorAnswer): PlannedEffect<readonly FaultVariant[]> {
  const { api, errorCode, isStored = false, after = 0, times = 1, topic, partition } = answer;
  const effect: readonly FaultVariant[] = [[{ what: "error", errorCode, isStored }]];
  return { name: api, calls: [api], effect, topic, partition: partition === undefined ? undefined : String(partition), after, times };
}

function refusal(errorCode: number | "authorization"): FaultVariant {
  return [{ what: "error", errorCode, isStored: false }];
}
