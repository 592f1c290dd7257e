import { setTimeout as delay } from "node:timers/promises";
import type { CountedCall } from "../../../faults/fault-plan.ts";
import type { BrokerNode, Cluster } from "../cluster.ts";
import { ErrorCode } from "../error-code.ts";
import { RequestFaults } from "../faults/request-faults.ts";
import { apiVersionsApi, supportedVersions } from "../requests/api-versions.ts";
import type { Handler, RequestContext } from "../requests/handler.ts";
import { handlers } from "../requests/handlers.ts";
import { WireReader } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";
import type { ClientConnection } from "./client-connection.ts";

type Frame = readonly Uint8Array[];
type Answered = Frame | null | "close";

/** The requests that a client may send before it has authenticated. */
const BEFORE_AUTHENTICATION: ReadonlySet<string> = new Set(["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);

/** How long an evicted member waits at most for its error while the other members take its partitions. */
const EVICTION_DELAY_MS = 2_000;

/** Reads requests, applies planned faults, and writes the answers of the handlers. Each broker has one. */
export class Dispatcher {
  readonly #cluster: Cluster;
  readonly #node: BrokerNode;
  readonly #restart: () => void;
  readonly #byKey: ReadonlyMap<number, Handler>;

  /** By member id: an eviction by a fault that the other members of the group have not noticed yet. */
  readonly #evictions = new Map<string, Promise<void>>();

  constructor(cluster: Cluster, node: BrokerNode, restart: () => void) {
    this.#cluster = cluster;
    this.#node = node;
    this.#restart = restart;
    this.#byKey = new Map(handlers.map((one) => [one.api.key, one]));
  }

  /** Like Kafka, it closes the connection for unknown requests and versions, and for bytes that it cannot read. */
  answer(frame: Buffer, connection: ClientConnection): Answered | Promise<Answered> {
    if (frame.length < 8) return "close";
    const key = frame.readInt16BE(0);
    const version = frame.readInt16BE(2);
    const correlationId = frame.readInt32BE(4);
    const known = this.#byKey.get(key);
    if (known === undefined) return "close";
    const { api } = known;
    if (!connection.session.isAuthenticated && !BEFORE_AUTHENTICATION.has(api.name)) return "close";
    if (version < api.versions.oldest || version > api.versions.newest) {
      return api.key === apiVersionsApi.key ? unsupportedApiVersions(correlationId) : "close";
    }
    const isFlexible = version >= api.flexibleFrom;
    let request: unknown;
    let clientId: string;
    try {
      const reader = new WireReader(frame, version, isFlexible, 8);
      clientId = reader.plainString() ?? "";
      if (isFlexible) reader.tags(() => undefined);
      request = api.request.read(reader);
    } catch (error) {
      if (error instanceof RangeError) return "close";
      throw error;
    }
    const { faults } = this.#cluster;
    const requestFaults = faults.isEmpty ? RequestFaults.NONE : this.#faultsOf(known, request);
    const context: RequestContext = {
      cluster: this.#cluster,
      node: this.#node,
      version,
      clientId,
      clientHost: connection.clientHost,
      session: connection.session,
      faults: requestFaults,
      gone: connection.gone,
      hangUp: () => connection.close(),
    };
    const carryOut = (): Answered | Promise<Answered> => {
      const answer = known.handle(request, context);
      if (answer instanceof Promise) return answer.then((value: unknown) => framed(known, correlationId, version, value));
      return framed(known, correlationId, version, answer);
    };
    const respond = (): Answered | Promise<Answered> =>
      requestFaults === RequestFaults.NONE ? carryOut() : this.#withFaults(known, request, context, carryOut);
    const memberId = known.member?.(request).memberId;
    return memberId === undefined ? respond() : this.#afterEviction(memberId, respond);
  }

  #faultsOf(known: Handler, request: unknown): RequestFaults {
    const applied = this.#cluster.faults.take(this.#countedCall(known, request));
    return applied.length === 0 ? RequestFaults.NONE : new RequestFaults(applied);
  }

  #countedCall({ api, topics, member }: Handler, request: unknown): CountedCall {
    const subjects = new Map(
      (topics?.(request, this.#cluster) ?? []).map(([topic, partitions]) => [topic, partitions?.map(String) ?? null] as const),
    );
    const groupId = member?.(request).groupId;
    // A request about a group counts as a request about the topics of its members.
    for (const topic of (groupId === undefined ? undefined : this.#cluster.groups.get(groupId)?.roster.topics) ?? [])
      subjects.set(topic, null);
    return { name: api.name, topics: subjects, hasGroup: groupId !== undefined };
  }

  /** An evicted member learns it last, also by a request that was open already. */
  #afterEviction(memberId: string, respond: () => Answered | Promise<Answered>): Answered | Promise<Answered> {
    const eviction = this.#evictions.get(memberId);
    const answer = eviction === undefined ? respond() : eviction.then(respond);
    if (!(answer instanceof Promise)) return answer;
    return answer.then(async (answered) => {
      await this.#evictions.get(memberId);
      return answered;
    });
  }

  async #withFaults(
    known: Handler,
    request: unknown,
    { faults, gone, cluster }: RequestContext,
    carryOut: () => Answered | Promise<Answered>,
  ): Promise<Answered> {
    if (faults.has("restart")) {
      this.#restart();
      return "close";
    }
    if (faults.has("step-down")) this.#stepDown(this.#countedCall(known, request), faults);
    if (faults.has("disconnect")) return "close";
    const sender = known.member?.(request);
    const group = sender === undefined ? undefined : cluster.groups.get(sender.groupId);
    if (faults.has("evict-member") && group !== undefined) {
      const { memberId } = sender!;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#evictions.set(memberId, promise);
      group.evict(memberId);
      // By then the other members have its partitions.
      await Promise.race([group.settled(), delay(EVICTION_DELAY_MS, undefined, { signal: gone }).catch(() => undefined)]);
      resolve();
      this.#evictions.delete(memberId);
    }
    if (faults.has("move-coordinator") && group !== undefined) {
      group.forgetMembers();
      cluster.moveCoordinator(group.groupId);
    }
    if (faults.delayMs > 0) {
      const isOver = await delay(faults.delayMs, true, { signal: gone }).catch(() => false);
      if (!isOver) return "close";
    }
    const answer = await carryOut();
    return faults.has("lose-answer") ? "close" : answer;
  }

  /** Moves the leadership of this broker for the partitions of the request, as when the broker stops. */
  #stepDown({ topics }: CountedCall, requestFaults: RequestFaults): void {
    for (const name of topics.keys()) {
      for (const partition of this.#cluster.topics.get(name)?.partitions ?? []) {
        if (partition.leaderId === this.#node.nodeId && requestFaults.stepsDown(name, partition.index)) this.#cluster.moveLeader(partition);
      }
    }
  }
}

function framed({ api }: Handler, correlationId: number, version: number, answer: unknown): Frame | null {
  if (answer === null) return null;
  const isFlexible = version >= api.flexibleFrom;
  const writer = new WireWriter(version, isFlexible);
  writer.int32(correlationId);
  if (isFlexible && api.key !== apiVersionsApi.key) writer.unsignedVarint(0);
  api.answer.write(writer, answer);
  return writer.frame();
}

/** Answers in version 0, which every client can read. */
function unsupportedApiVersions(correlationId: number): Frame {
  const writer = new WireWriter(0, false);
  writer.int32(correlationId);
  apiVersionsApi.answer.write(writer, {
    errorCode: ErrorCode.unsupportedVersion,
    apiKeys: supportedVersions(handlers.map(({ api }) => api)),
  });
  return writer.frame();
}
