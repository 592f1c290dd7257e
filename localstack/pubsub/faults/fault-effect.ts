import type { FaultVocabulary, PlannedEffect } from "../../faults/fault-plan.ts";
import { Code } from "../refusal.ts";

/** What a fault does to a call. */
export type FaultEffect =
  /** The call is refused with this status, before it is carried out or after. A stream ends with it. */
  | { readonly what: "refuse"; readonly code: number; readonly isCarriedOut: boolean }
  /** One message of the request is invalid, now and at every retry. */
  | { readonly what: "invalid-message" }
  | { readonly what: "disconnect" }
  /** The call is carried out, but the connection is closed instead of an answer. */
  | { readonly what: "lose-answer" }
  | { readonly what: "delay"; readonly durationMs: number }
  /** Ack ids of the call fail with this reason, on an exactly-once subscription. */
  | { readonly what: "fail-ack-ids"; readonly reason: string }
  /** A sign of life of a stream is not answered. */
  | { readonly what: "no-answer" }
  /** The leases of the member that makes the call run out. */
  | { readonly what: "expire-leases" }
  /** All streams of the subscription end, and its leases run out. */
  | { readonly what: "end-streams" }
  | { readonly what: "restart" };

const DEFAULT_STALL_MS = 1_000;

/** Not a method: a stream is about to send messages. */
export const DELIVERY = "Deliver";
/** Not a method: a stream has sent an empty request, and waits for any answer. */
export const KEEPALIVE = "KeepAlive";

const FETCHES = ["StreamingPull", "Pull", DELIVERY];
/** Who makes them has leases. */
const OF_MEMBERS = ["Acknowledge", "ModifyAckDeadline"];
const CHANGES = [
  "CreateTopic",
  "UpdateTopic",
  "DeleteTopic",
  "CreateSubscription",
  "UpdateSubscription",
  "DeleteSubscription",
  "DetachSubscription",
  "ModifyPushConfig",
  "CreateSnapshot",
  "UpdateSnapshot",
  "DeleteSnapshot",
  "Seek",
];
const LOOKS = [
  "GetTopic",
  "ListTopics",
  "ListTopicSubscriptions",
  "ListTopicSnapshots",
  "GetSubscription",
  "ListSubscriptions",
  "GetSnapshot",
  "ListSnapshots",
  "TestIamPermissions",
];

/** How Pub/Sub shows the faults of the shared vocabulary. The variants of a fault take turns, so that a client that gets several faults sees every one. */
export const PUBSUB_FAULTS: FaultVocabulary<readonly FaultEffect[]> = {
  provider: "pubsub",
  kinds: {
    throttle: () => ({ effect: [refusal(Code.resourceExhausted)], calls: ["Publish"] }),
    "fail-entry": () => ({ effect: [{ what: "invalid-message" }], calls: ["Publish"] }),
    "fail-before-write": () => ({ effect: [Code.unavailable, Code.aborted, Code.internal].map(refusal), calls: ["Publish"] }),
    "fail-after-write": ({ operation }) =>
      operation === "admin"
        ? { effect: [{ what: "lose-answer" }], calls: CHANGES }
        : {
            effect: [
              { what: "refuse", code: Code.deadlineExceeded, isCarriedOut: true },
              { what: "lose-answer" },
              { what: "refuse", code: Code.unavailable, isCarriedOut: true },
            ],
            calls: ["Publish"],
          },
    disconnect: () => ({ effect: [{ what: "disconnect" }], calls: null }),
    stall: ({ durationMs = DEFAULT_STALL_MS }) => ({ effect: [{ what: "delay", durationMs }], calls: ["Publish", ...FETCHES] }),
    "expire-cursor": () => ({
      effect: [Code.unavailable, Code.deadlineExceeded, Code.internal, Code.ok].map(refusal),
      calls: ["StreamingPull", DELIVERY],
    }),
    "steal-partition": () => ({ effect: [{ what: "expire-leases" }], calls: OF_MEMBERS }),
    "lose-coordinator": () => ({ effect: [{ what: "end-streams" }], calls: OF_MEMBERS }),
    "refuse-authorization": () => ({ effect: [refusal(Code.permissionDenied)], calls: null }),
    restart: () => ({ effect: [{ what: "restart" }], calls: null }),
  },
  operations: {
    publish: ["Publish"],
    fetch: FETCHES,
    commit: ["Acknowledge"],
    admin: [...CHANGES, ...LOOKS],
  },
};

/** Answers calls of one method with a status, or fails their ack ids. */
export interface PlannedAnswer {
  /**
   * `Publish`, `Acknowledge`, … A stream is named by its parts: `StreamingPull` when it is opened, `Deliver` before messages are sent,
   * `KeepAlive` for an empty request.
   */
  readonly method: string;
  /** The code of gRPC: a call is refused, a stream ends. 0 ends a stream without an error, and answers another call as usual. */
  readonly code?: number | undefined;
  /** Whether the call is carried out all the same. @default false */
  readonly isCarriedOut?: boolean | undefined;
  /** Of Acknowledge and ModifyAckDeadline on exactly-once subscriptions: the ids fail with this reason, and nothing is changed. */
  readonly ackFailure?: string | undefined;
  /** There is no answer at all (of `KeepAlive`). */
  readonly isUnanswered?: boolean | undefined;
  /** Skips this many such calls first. @default 0 */
  readonly after?: number | undefined;
  /** @default 1 */
  readonly times?: number | undefined;
  /** It does not narrow `KeepAlive`. */
  readonly topic?: string | undefined;
}

export function plannedAnswer(answer: PlannedAnswer): PlannedEffect<readonly FaultEffect[]> {
  const { method, code, isCarriedOut = false, ackFailure, isUnanswered = false, after = 0, times = 1, topic } = answer;
  const effect: FaultEffect[] = [];
  if (code !== undefined) effect.push({ what: "refuse", code, isCarriedOut });
  else if (ackFailure !== undefined) effect.push({ what: "fail-ack-ids", reason: ackFailure });
  else if (isUnanswered) effect.push({ what: "no-answer" });
  return { name: method, calls: [method], effect, topic, partition: undefined, after, times };
}

function refusal(code: number): FaultEffect {
  return { what: "refuse", code, isCarriedOut: false };
}
