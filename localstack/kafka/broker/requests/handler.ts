import type { BrokerNode, Cluster } from "../cluster.ts";
import type { RequestFaults } from "../faults/request-faults.ts";
import type { SaslSession } from "../server/sasl-session.ts";
import type { Api } from "../wire/api.ts";

/** The client and the broker of a request, and the faults that apply to it. */
export interface RequestContext {
  readonly cluster: Cluster;
  /** The broker that received the request. */
  readonly node: BrokerNode;
  readonly version: number;
  readonly clientId: string;
  readonly clientHost: string;
  readonly session: SaslSession;
  readonly faults: RequestFaults;
  /** Aborts when the client has disconnected. */
  readonly gone: AbortSignal;
  readonly hangUp: () => void;
}

/** A topic and the partitions of a request; `null`: the topic as a whole. */
export type TopicSubject = readonly [topic: string, partitions: readonly number[] | null];

/** Answers one kind of request. */
export interface Handler<Request = unknown, Answer = unknown> {
  readonly api: Api<Request, Answer>;
  /** `null`: the client wants no answer. A rejection is a defect, and closes the connection. */
  readonly handle: (request: Request, context: RequestContext) => Answer | Promise<Answer> | null;
  /** The topics of a request, for faults that name topics. */
  readonly topics?: ((request: Request, cluster: Cluster) => readonly TopicSubject[]) | undefined;
  /** The group of a request, and the member that sent it. */
  readonly member?: ((request: Request) => { readonly groupId: string; readonly memberId: string }) | undefined;
}

export function handler<Request, Answer>(
  api: Api<Request, Answer>,
  handle: Handler<Request, Answer>["handle"],
  { topics, member }: Pick<Handler<Request, Answer>, "topics" | "member"> = {},
): Handler {
  return { api, handle, topics, member } as Handler;
}
