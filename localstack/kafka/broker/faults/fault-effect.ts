import type { Fault, FaultKind } from "../../../../src/driver/index.ts";
import { StreamError } from "../../../../src/errors.ts";
import { checkFault } from "../../../check-fault.ts";
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
type FaultVariant = readonly FaultEffect[];

/** Which requests a fault applies to, and how many. */
export interface PlannedFault {
  /** The kind of fault. The variants of one kind take turns. */
  readonly kind: string;
  /** They take turns, so that a client that gets several faults sees every variant. */
  readonly variants: readonly FaultVariant[];
  /** Names of requests; `null`: all requests about a topic or a group. */
  readonly apis: readonly string[] | null;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  /** How many more requests are spared. */
  after: number;
  /** How many more requests get the fault. */
  times: number;
}

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

const APIS_OF: Readonly<Record<NonNullable<Fault["operation"]>, readonly string[]>> = {
  publish: ["Produce"],
  fetch: ["Fetch", "ListOffsets"],
  commit: ["OffsetCommit", "TxnOffsetCommit"],
  admin: [...CHANGES, ...LOOKS],
};

interface ShownFault {
  readonly variants: readonly FaultVariant[];
  readonly apis: readonly string[] | null;
}

/** How Kafka shows each kind of fault of the shared vocabulary. */
const KINDS: Readonly<Record<FaultKind, (fault: Fault) => ShownFault>> = {
  throttle: () => ({ variants: [refusal(ErrorCode.throttlingQuotaExceeded)], apis: ["Produce"] }),
  "fail-entry": () => ({ variants: [[{ what: "invalid-record" }]], apis: ["Produce"] }),
  "fail-before-write": () => ({
    variants: [refusal(ErrorCode.notEnoughReplicas), [{ what: "move-leader", isStored: false, otherwise: ErrorCode.notEnoughReplicas }]],
    apis: ["Produce"],
  }),
  "fail-after-write": ({ operation }) =>
    operation === "admin"
      ? { variants: [[{ what: "lose-answer" }]], apis: CHANGES }
      : {
          variants: [
            [{ what: "error", errorCode: ErrorCode.requestTimedOut, isStored: true }],
            [{ what: "lose-answer" }],
            [{ what: "move-leader", isStored: true, otherwise: ErrorCode.requestTimedOut }],
          ],
          apis: ["Produce"],
        },
  disconnect: () => ({ variants: [[{ what: "disconnect" }], [{ what: "step-down" }, { what: "disconnect" }]], apis: null }),
  stall: ({ durationMs = DEFAULT_STALL_MS }) => ({ variants: [[{ what: "delay", durationMs }]], apis: ["Produce", "Fetch"] }),
  "expire-cursor": () => ({ variants: [refusal(ErrorCode.offsetOutOfRange)], apis: ["Fetch"] }),
  "steal-partition": () => ({ variants: [[{ what: "evict-member" }]], apis: OF_MEMBERS }),
  "lose-coordinator": () => ({ variants: [[{ what: "move-coordinator" }]], apis: OF_MEMBERS }),
  "refuse-authorization": () => ({ variants: [refusal("authorization")], apis: null }),
  restart: () => ({ variants: [[{ what: "restart" }]], apis: null }),
};

export const FAULT_KINDS = Object.keys(KINDS) as readonly FaultKind[];

/** @throws `invalid-argument` for an unknown kind or an invalid property */
export function plannedFault(fault: Fault): PlannedFault {
  checkFault(fault);
  const { kind, after = 0, times = 1, topic, partition, operation } = fault;
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) {
    throw refused(`there is no fault ${JSON.stringify(kind)}; there are ${FAULT_KINDS.join(", ")}`);
  }
  if (partition !== undefined && !/^\d+$/.test(partition)) {
    throw refused(`a fault names partition ${JSON.stringify(partition)}; partitions are numbers, from "0" on`);
  }
  const { variants, apis } = known(fault);
  const those = operation === undefined ? apis : APIS_OF[operation].filter((api) => apis === null || apis.includes(api));
  return { kind, variants, apis: those, topic, partition: partition === undefined ? undefined : Number(partition), after, times };
}

function refused(what: string): StreamError {
  return new StreamError("invalid-argument", `the emulated Kafka: ${what}`, { provider: "kafka" });
}

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

export function plannedAnswer({ api, errorCode, isStored = false, after = 0, times = 1, topic, partition }: ErrorAnswer): PlannedFault {
  const variants: readonly FaultVariant[] = [[{ what: "error", errorCode, isStored }]];
  return { kind: api, variants, apis: [api], topic, partition, after, times };
}

function refusal(errorCode: number | "authorization"): FaultVariant {
  return [{ what: "error", errorCode, isStored: false }];
}
