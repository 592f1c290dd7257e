import type { Fault } from "../../../src/driver/index.ts";
import type { FaultVocabulary, ShownFault } from "../../faults/fault-plan.ts";
import { Condition } from "../amqp-refusal.ts";

/** A call of a client, as faults name it. */
export type CallName =
  | "PutToken"
  | "Send"
  | "AttachSender"
  | "AttachReceiver"
  | "Receive"
  | "ReadProperties"
  | "ListBlobs"
  | "ReadBlob"
  | "WriteCheckpoint"
  | "WriteBlob"
  | "DeleteBlob";

/** What a fault does to a call. */
export type FaultEffect =
  /** The call is answered with this error, before it is carried out or after. `status`: over HTTP, and of a token. */
  | {
      readonly what: "error";
      readonly condition: string;
      readonly description: string;
      readonly status: number;
      readonly isStored: boolean;
    }
  /** The link of the call ends with this error instead of an answer. */
  | { readonly what: "detach"; readonly condition: string; readonly description: string; readonly isStored: boolean }
  /** One event of the call is invalid, now and at every retry. */
  | { readonly what: "invalid-event" }
  /** The connection ends before the call is carried out. */
  | { readonly what: "disconnect"; readonly how: "close" | "reset" | "bad-frame" }
  /** The call is carried out, and the connection ends instead of an answer. */
  | { readonly what: "lose-answer" }
  | { readonly what: "delay"; readonly durationMs: number }
  | { readonly what: "refuse-authorization" }
  /** Another owner and another receiver with the next epoch take a partition. */
  | { readonly what: "steal" }
  /** Every partition of the topic loses its owner. */
  | { readonly what: "release-all" }
  | { readonly what: "restart" };

/** The variants of a fault take turns. */
export type FaultVariants = readonly FaultEffect[];

const DEFAULT_STALL_MS = 1_000;
const WRITES: readonly CallName[] = ["WriteCheckpoint", "WriteBlob"];
/** By which members keep what they own. */
const OF_MEMBERS: readonly CallName[] = [...WRITES, "Receive"];

const THROTTLED =
  "The request was terminated because the entity is being throttled. Error code : 50002. Please wait 4 seconds and try again.";
const INTERNAL = "The service was unable to process the request; please retry the operation. (500)";
const TIMED_OUT = "The operation did not complete within the allocated time 00:00:59 for object message.";
const FORCED = "The link is force detached. Code: ConsumerOrPublisher. Details: the emulator was told to end it.";

const refused = (condition: string, status: number, description: string, isStored: boolean): FaultEffect => ({
  what: "error",
  condition,
  description,
  status,
  isStored,
});
const detached = (isStored: boolean): FaultEffect => ({ what: "detach", condition: Condition.detachForced, description: FORCED, isStored });

/** How Event Hubs and the store of its checkpoints show the faults of the shared vocabulary. */
export const EVENT_HUBS_FAULTS: FaultVocabulary<FaultVariants> = {
  provider: "event-hubs",
  kinds: {
    throttle: (fault) => onWritesOf(fault, [refused(Condition.serverBusy, 503, THROTTLED, false)]),
    "fail-entry": () => ({ effect: [{ what: "invalid-event" }], calls: ["Send"] }),
    "fail-before-write": (fault) =>
      onWritesOf(fault, [
        refused(Condition.internalError, 500, INTERNAL, false),
        refused(Condition.timeout, 500, TIMED_OUT, false),
        { what: "disconnect", how: "close" },
        detached(false),
      ]),
    "fail-after-write": (fault) =>
      fault.operation === "admin"
        ? { effect: [{ what: "lose-answer" }], calls: ["DeleteBlob"] }
        : onWritesOf(fault, [refused(Condition.timeout, 500, TIMED_OUT, true), { what: "lose-answer" }, detached(true)]),
    disconnect: () => ({
      effect: [
        { what: "disconnect", how: "close" },
        { what: "disconnect", how: "reset" },
        { what: "disconnect", how: "bad-frame" },
      ],
      calls: null,
    }),
    stall: ({ durationMs = DEFAULT_STALL_MS }) => ({
      effect: [{ what: "delay", durationMs }],
      calls: ["Send", "AttachReceiver", "Receive"],
    }),
    "expire-cursor": () => ({ effect: [detached(false)], calls: ["Receive"] }),
    "steal-partition": () => ({ effect: [{ what: "steal" }], calls: OF_MEMBERS }),
    "lose-coordinator": () => ({ effect: [{ what: "release-all" }], calls: OF_MEMBERS }),
    "refuse-authorization": () => ({ effect: [{ what: "refuse-authorization" }], calls: null }),
    restart: () => ({ effect: [{ what: "restart" }], calls: null }),
  },
  operations: {
    publish: ["Send"],
    fetch: ["AttachReceiver", "Receive"],
    commit: ["WriteCheckpoint"],
    admin: ["ReadProperties", "DeleteBlob"],
  },
};

/** A fault of publish calls, and on demand of commits. */
function onWritesOf({ operation }: Fault, effect: FaultVariants): ShownFault<FaultVariants> {
  return { effect, calls: operation === "commit" ? WRITES : ["Send"] };
}
