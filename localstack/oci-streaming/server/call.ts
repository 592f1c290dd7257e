import type { IncomingHttpHeaders } from "node:http";
import type { CallFaults } from "../faults/call-faults.ts";
import type { StreamingService } from "../streaming-service.ts";
import type { Query } from "./query.ts";

/** One request, as an operation sees it. */
export interface Call {
  readonly service: StreamingService;
  /** The variable parts of the path, unescaped. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** What faults count a call as. */
export interface CallSubject {
  /** The partitions by topic; `null`: the topic as a whole. Empty: it is about no topic. */
  readonly topics: ReadonlyMap<string, readonly string[] | null>;
  /** Whether it is about a group. */
  readonly hasGroup?: boolean;
  /** The name under which it is counted. @default the operation's */
  readonly name?: string;
}

export interface Operation {
  /** The vendor's name. */
  readonly name: string;
  /** Streaming has one endpoint for the administration and another for messages. Object Storage answers on the first one here. */
  readonly endpoint: "admin" | "messages";
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** `{name}` is one part of the path, `{name+}` the rest of it. */
  readonly path: string;
  /** Whether the signature may leave out the body, as the vendor allows it for a few calls. */
  readonly mayLeaveBodyUnsigned?: boolean;
  /** Must not throw: a call that makes no sense is about no topic. */
  subjectOf(call: Call): CallSubject;
  /** @throws `ServiceError` */
  carryOut(call: Call, faults: CallFaults): Answer;
}

export const NO_SUBJECT: CallSubject = { topics: new Map() };

export function jsonAnswer(body: unknown, headers: Readonly<Record<string, string>> = {}, status = 200): Answer {
  return { status, headers, body: JSON.stringify(body) };
}
