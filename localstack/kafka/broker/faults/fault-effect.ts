import type { Fault, FaultKind } from "../../../../src/driver/index.ts";
import { StreamError } from "../../../../src/errors.ts";
import { checkFault } from "../../../check-fault.ts";
import { ErrorCode } from "../error-code.ts";

/** What becomes of a request that is met. */
export type FaultEffect =
  /** Refused with this code, before anything is stored, or after. `authorization`: with the code that says who may not. */
  | { readonly what: "error"; readonly errorCode: number | "authorization"; readonly isStored: boolean }
  /** One of its records is invalid, now and whenever it comes again. */
  | { readonly what: "invalid-record" }
  | { readonly what: "disconnect" }
  /** Carried out, and hung up instead of an answer. */
  | { readonly what: "lose-answer" }
  /** Another replica leads the partition now: before the batch is stored, or after. `otherwise`: the code where there is none. */
  | { readonly what: "move-leader"; readonly isStored: boolean; readonly otherwise: number }
  /** The broker that is asked leads the partitions no more. */
  | { readonly what: "step-down" }
  | { readonly what: "delay"; readonly durationMs: number }
  /** The member that asks is put out of its group, as if its session had ended. */
  | { readonly what: "evict-member" }
  /** The coordinator of the group is another one now, which knows no members. */
  | { readonly what: "move-coordinator" }
  | { readonly what: "restart" };

/** One of the ways in which a server shows a kind of trouble: all that comes together. */
type FaultVariant = readonly FaultEffect[];

/** Which requests are met, and how many. */
export interface PlannedFault {
  /** Whose ways take turns. */
  readonly kind: string;
  /** In turns, so that whoever meets several meets all. */
  readonly variants: readonly FaultVariant[];
  /** Names of requests; `null`: any that a topic or a group is about. */
  readonly apis: readonly string[] | null;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  /** Requests that are still to be spared. */
  after: number;
  /** Requests that are still to be met. */
  times: number;
}

const DEFAULT_STALL_MS = 1_000;
const OF_MEMBERS = ["Heartbeat", "OffsetCommit"];
/** Changes by the administration. */
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
  readonly ways: readonly FaultVariant[];
  readonly apis: readonly string[] | null;
}

/** How Kafka shows each kind of the shared vocabulary. */
const KINDS: Readonly<Record<FaultKind, (fault: Fault) => ShownFault>> = {
  throttle: () => ({ ways: [refusal(ErrorCode.throttlingQuotaExceeded)], apis: ["Produce"] }),
  "fail-entry": () => ({ ways: [[{ what: "invalid-record" }]], apis: ["Produce"] }),
  "fail-before-write": () => ({
    ways: [refusal(ErrorCode.notEnoughReplicas), [{ what: "move-leader", isStored: false, otherwise: ErrorCode.notEnoughReplicas }]],
    apis: ["Produce"],
  }),
  "fail-after-write": ({ operation }) =>
    operation === "admin"
      ? { ways: [[{ what: "lose-answer" }]], apis: CHANGES }
      : {
          ways: [
            [{ what: "error", errorCode: ErrorCode.requestTimedOut, isStored: true }],
            [{ what: "lose-answer" }],
            [{ what: "move-leader", isStored: true, otherwise: ErrorCode.requestTimedOut }],
          ],
          apis: ["Produce"],
        },
  disconnect: () => ({ ways: [[{ what: "disconnect" }], [{ what: "step-down" }, { what: "disconnect" }]], apis: null }),
  stall: ({ durationMs = DEFAULT_STALL_MS }) => ({ ways: [[{ what: "delay", durationMs }]], apis: ["Produce", "Fetch"] }),
  "expire-cursor": () => ({ ways: [refusal(ErrorCode.offsetOutOfRange)], apis: ["Fetch"] }),
  "steal-partition": () => ({ ways: [[{ what: "evict-member" }]], apis: OF_MEMBERS }),
  "lose-coordinator": () => ({ ways: [[{ what: "move-coordinator" }]], apis: OF_MEMBERS }),
  "refuse-authorization": () => ({ ways: [refusal("authorization")], apis: null }),
  restart: () => ({ ways: [[{ what: "restart" }]], apis: null }),
};

/** @throws `invalid-argument` for a kind that is not of the vocabulary, and what no fault can have */
export function plannedFault(fault: Fault): PlannedFault {
  checkFault(fault);
  const { kind, after = 0, times = 1, topic, partition, operation } = fault;
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) {
    throw refused(`there is no fault ${JSON.stringify(kind)}; there are ${Object.keys(KINDS).join(", ")}`);
  }
  if (partition !== undefined && !/^\d+$/.test(partition)) {
    throw refused(`a fault names partition ${JSON.stringify(partition)}; partitions are numbers, from "0" on`);
  }
  const { ways, apis } = known(fault);
  const those = operation === undefined ? apis : APIS_OF[operation].filter((api) => apis === null || apis.includes(api));
  return { kind, variants: ways, apis: those, topic, partition: partition === undefined ? undefined : Number(partition), after, times };
}

function refused(what: string): StreamError {
  return new StreamError("invalid-argument", `the emulated Kafka: ${what}`, { provider: "kafka" });
}

/** An error code as the answer to requests of one kind. */
export interface ErrorAnswer {
  /** Kafka's name of the request: `Produce`, `Fetch`, `Metadata`, … */
  readonly api: string;
  readonly errorCode: number;
  /** Of Produce: stores first what it is sent, then answers with the error. @default false */
  readonly isStored?: boolean | undefined;
  /** Skips this many such requests first. @default 0 */
  readonly after?: number | undefined;
  /** @default 1 */
  readonly times?: number | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
}

export function plannedAnswer({ api, errorCode, isStored = false, after = 0, times = 1, topic, partition }: ErrorAnswer): PlannedFault {
  const ways: readonly FaultVariant[] = [[{ what: "error", errorCode, isStored }]];
  return { kind: api, variants: ways, apis: [api], topic, partition, after, times };
}

function refusal(errorCode: number | "authorization"): FaultVariant {
  return [{ what: "error", errorCode, isStored: false }];
}
