import type { BrokerNode, Cluster } from "../cluster.ts";
import type { RequestFaults } from "../faults/request-faults.ts";
import type { SaslSession } from "../server/sasl-session.ts";
import type { Api } from "../wire/api.ts";

/** Who asks whom, and which faults apply to the request. */
export interface RequestContext {
  readonly cluster: Cluster;
  /** The broker that was asked. */
  readonly node: BrokerNode;
  readonly version: number;
  readonly clientId: string;
  readonly clientHost: string;
  readonly session: SaslSession;
  readonly faults: RequestFaults;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
  readonly hangUp: () => void;
}

/** A topic with the partitions that a request is about; `null`: as a whole. */
export type TopicSubject = readonly [topic: string, partitions: readonly number[] | null];

/** How one request is answered. */
export interface Handler<Request = unknown, Answer = unknown> {
  readonly api: Api<Request, Answer>;
  /** `null`: the client wants no answer. A rejection is a defect, and closes the connection. */
  readonly handle: (request: Request, context: RequestContext) => Answer | Promise<Answer> | null;
  /** For faults that name topics. */
  readonly topics?: ((request: Request, cluster: Cluster) => readonly TopicSubject[]) | undefined;
  /** The group that the request is about, and the member that asks. */
  readonly member?: ((request: Request) => { readonly groupId: string; readonly memberId: string }) | undefined;
}

export function handler<Request, Answer>(
  api: Api<Request, Answer>,
  handle: Handler<Request, Answer>["handle"],
  { topics, member }: Pick<Handler<Request, Answer>, "topics" | "member"> = {},
): Handler {
  return { api, handle, topics, member } as Handler;
}
