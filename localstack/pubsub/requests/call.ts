import type { InvalidMessages } from "../faults/invalid-messages.ts";
import type { Registry } from "../resources/registry.ts";

/** What a call is about, by complete names. */
export interface Subject {
  readonly topic?: string;
  readonly subscription?: string;
  readonly snapshot?: string;
}

/** What a handler gets besides the request. */
export interface CallContext {
  readonly registry: Registry;
  /** Of the request, as it came. */
  readonly bytes: number;
  /** How long a second of an ack deadline is. */
  readonly secondMs: number;
  /** Messages that a fault has made invalid. */
  readonly invalidMessages: InvalidMessages;
  /** Tells when the client is gone or its deadline has passed. */
  readonly whenCancelled: (tell: () => void) => void;
}

/** A method with one request and one response. */
export interface Call<Request> {
  subject(request: Request): Subject;
  /** @throws `Refusal` */
  handle(request: Request, context: CallContext): object | Promise<object>;
}

/** For the table of calls, where each request has a type of its own. */
export type AnyCall = Call<never>;
