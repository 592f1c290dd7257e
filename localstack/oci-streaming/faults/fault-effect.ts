import type { FaultVocabulary, PlannedEffect } from "../../faults/fault-plan.ts";

/** An answer instead of the right one. Without a code the body is the text, as a gateway sends it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly code: string | null;
  readonly message: string;
}

/** What a fault does to a call. */
export type FaultEffect =
  /** The call is refused, before it is carried out or after. */
  | { readonly what: "refuse"; readonly answer: ErrorAnswer; readonly isCarriedOut: boolean }
  /** As a missing permission looks: 404, with the code of the service that was called. */
  | { readonly what: "not-permitted" }
  /** Each entry of a publish call fails with this error, inside of an answer 200. */
  | { readonly what: "fail-entries"; readonly error: string; readonly message: string }
  /** One of its messages is invalid, now and at every retry, and the service refuses calls with it. */
  | { readonly what: "invalid-message" }
  /** The connection is reset, or closed, before the call is carried out or after. */
  | { readonly what: "disconnect"; readonly how: "reset" | "close"; readonly isCarriedOut: boolean }
  /** The answer comes so much later; `inside`: the second half of its body. */
  | { readonly what: "delay"; readonly durationMs: number; readonly where: "before" | "inside" }
  /** Somebody else takes the lease that the call writes, and gives it up. */
  | { readonly what: "steal-lease" }
  /** All leases of the topic lose their owners. */
  | { readonly what: "lose-owners" }
  | { readonly what: "restart" };

/** One of the ways in which the service shows a fault: the effects that occur together. */
export type FaultVariant = readonly FaultEffect[];

const DEFAULT_STALL_MS = 1_000;
const PUBLISH = ["PutMessages"];
const FETCH = ["GetMessages", "CreateCursor", "CreateGroupCursor"];
/** How an object that holds a lease is written: what it was read up to changes, or only a sign of life. */
export const STORE_PROGRESS = "PutObject of progress";
export const RENEW_LEASE = "PutObject of a renewal";
const COMMIT = [STORE_PROGRESS, "ConsumerCommit"];
const KEEP = [...COMMIT, RENEW_LEASE];
const CHANGES = ["CreateStream", "UpdateStream", "DeleteStream", "CreateStreamPool", "UpdateGroup", "DeleteObject"];
const LOOKS = ["GetStream", "ListStreams", "GetStreamPool", "ListStreamPools", "GetGroup", "GetWorkRequest"];

const WAIT = "Request was throttled because bytes limit exhausted, next request can be made in 1 ms";
const THROTTLED: ErrorAnswer = { status: 429, code: "TooManyRequests", message: WAIT };
const UNAVAILABLE: ErrorAnswer = { status: 503, code: "ServiceUnavailable", message: "The service is currently unavailable" };
const INTERNAL: ErrorAnswer = { status: 500, code: "InternalServerError", message: "An internal server error occurred" };
const BAD_GATEWAY: ErrorAnswer = { status: 502, code: null, message: "<html><body><h1>502 Bad Gateway</h1></body></html>" };
const GATEWAY_TIMEOUT: ErrorAnswer = { status: 504, code: null, message: "<html><body><h1>504 Gateway Time-out</h1></body></html>" };

function refuse(answer: ErrorAnswer, isCarriedOut = false): FaultVariant {
  return [{ what: "refuse", answer, isCarriedOut }];
}

function disconnect(how: "reset" | "close", isCarriedOut = false): FaultVariant {
  return [{ what: "disconnect", how, isCarriedOut }];
}

/** A publish call, or with `operation: "commit"` one that stores how far a group is. */
function written(operation: string | undefined): readonly string[] {
  return operation === "commit" ? COMMIT : PUBLISH;
}

/** How the service shows the faults of the shared vocabulary. The variants of a fault take turns, so that a client meets all of them. */
export const OCI_FAULTS: FaultVocabulary<readonly FaultVariant[]> = {
  provider: "oci-streaming",
  kinds: {
    throttle: ({ operation }) => ({
      effect: operation === "commit" ? [refuse(THROTTLED)] : [[{ what: "fail-entries", error: "429", message: WAIT }], refuse(THROTTLED)],
      calls: written(operation),
    }),
    "fail-entry": () => ({ effect: [[{ what: "invalid-message" }]], calls: PUBLISH }),
    "fail-before-write": ({ operation }) => ({ effect: [refuse(UNAVAILABLE), refuse(BAD_GATEWAY)], calls: written(operation) }),
    "fail-after-write": ({ operation }) => ({
      effect: [refuse(INTERNAL, true), disconnect("reset", true), refuse(GATEWAY_TIMEOUT, true), disconnect("close", true)],
      calls: operation === "admin" ? CHANGES : written(operation),
    }),
    disconnect: () => ({ effect: [disconnect("reset"), disconnect("close")], calls: null }),
    stall: ({ durationMs = DEFAULT_STALL_MS, operation }) => ({
      effect: [[{ what: "delay", durationMs, where: "before" }], [{ what: "delay", durationMs, where: "inside" }]],
      calls: operation === "commit" ? COMMIT : [...PUBLISH, ...FETCH],
    }),
    "expire-cursor": () => ({
      effect: [refuse({ status: 400, code: "InvalidParameter", message: "The cursor is expired. Create a new one." })],
      calls: ["GetMessages"],
    }),
    "steal-partition": () => ({ effect: [[{ what: "steal-lease" }]], calls: KEEP }),
    "lose-coordinator": () => ({ effect: [[{ what: "lose-owners" }]], calls: KEEP }),
    "refuse-authorization": () => ({ effect: [[{ what: "not-permitted" }]], calls: null }),
    restart: () => ({ effect: [[{ what: "restart" }]], calls: null }),
  },
  operations: { publish: PUBLISH, fetch: FETCH, commit: COMMIT, admin: [...CHANGES, ...LOOKS] },
};

/** Answers calls of one operation with a status and a code. */
export interface PlannedAnswer {
  /** The vendor's name: `PutMessages`, `GetMessages`, `ListStreams`, `PutObject`, … */
  readonly operation: string;
  readonly status: number;
  /** `null`: the body is the message, as a gateway sends it. */
  readonly code: string | null;
  readonly message?: string | undefined;
  /** Whether the call is carried out before. @default false */
  readonly isCarriedOut?: boolean | undefined;
  /** Skips this many such calls first. @default 0 */
  readonly after?: number | undefined;
  /** @default 1 */
  readonly times?: number | undefined;
  readonly topic?: string | undefined;
  readonly partition?: string | undefined;
}

export function plannedAnswer(answer: PlannedAnswer): PlannedEffect<readonly FaultVariant[]> {
  const { operation, status, code, message = "planned by the test", isCarriedOut = false, after = 0, times = 1, topic, partition } = answer;
  const calls = operation === "PutObject" ? [operation, STORE_PROGRESS, RENEW_LEASE] : [operation];
  return { name: operation, calls, effect: [refuse({ status, code, message }, isCarriedOut)], topic, partition, after, times };
}
