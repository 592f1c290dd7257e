import type {
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
  sendUnaryData,
} from "@grpc/grpc-js";
import type { CallFaults } from "../faults/call-faults.ts";
import type { PubSubLibrary } from "../library.ts";
import { Code, Refusal } from "../refusal.ts";
import type { Call, CallContext } from "../requests/call.ts";
import { CALLS } from "../requests/calls.ts";
import { ackRefusal } from "../requests/delivery-calls.ts";
import type { PublishedMessage } from "../resources/publish-check.ts";
import type { Encoding, Received } from "../wire/encoding.ts";
import { STREAMING_METHODS } from "../wire/layouts.ts";
import type { StreamingPullRequest } from "../wire/messages.ts";
import type { StreamHost } from "./stream-consumer.ts";
import { StreamingPull } from "./streaming-pull.ts";

/** A larger header would end the connection: a call with more failures names none of them, so that none passes for a success. */
const MOST_DETAILS = 40_000;

type UnaryCall = ServerUnaryCall<Received<unknown>, object>;

/** The methods of the service on a gRPC server: they carry calls out, and show faults. */
export class GrpcService {
  readonly #library: PubSubLibrary;
  readonly #encoding: Encoding;
  readonly #host: StreamHost;

  constructor(library: PubSubLibrary, encoding: Encoding, host: StreamHost) {
    this.#library = library;
    this.#encoding = encoding;
    this.#host = host;
  }

  addTo(server: Server): void {
    for (const service of Object.values(this.#encoding.services)) server.addService(service, this.#implementation(service));
  }

  #implementation(service: ServiceDefinition): UntypedServiceImplementation {
    return Object.fromEntries(
      Object.keys(service).map((name) => [
        name,
        STREAMING_METHODS.has(name) ? this.#stream() : this.#unary(name, CALLS[name]! as Call<unknown>),
      ]),
    );
  }

  #stream(): (call: ServerDuplexStream<Received<StreamingPullRequest>, object>) => void {
    return (call) => {
      void new StreamingPull(call, this.#host);
    };
  }

  #unary(name: string, handler: Call<unknown>): (call: UnaryCall, answer: sendUnaryData<object>) => void {
    return (call, answer) => {
      const { request } = call.request;
      const faults = this.#host.core.take(name, () => handler.subject(request));
      const result = faults.isEmpty ? this.#carryOut(handler, call) : this.#withFaults(faults, handler, call);
      void this.#answer(result, answer);
    };
  }

  async #answer(result: Promise<object | null>, answer: sendUnaryData<object>): Promise<void> {
    try {
      const response = await result;
      if (response !== null) answer(null, response);
    } catch (error) {
      answer(this.#statusOf(error));
    }
  }

  async #carryOut(handler: Call<unknown>, call: UnaryCall): Promise<object> {
    const { core } = this.#host;
    core.checkUp();
    const context: CallContext = {
      registry: core.registry,
      bytes: call.request.bytes,
      secondMs: core.secondMs,
      invalidMessages: core.invalidMessages,
      whenCancelled: (tell) => call.on("cancelled", tell),
    };
    return handler.handle(call.request.request, context);
  }

  /** @returns `null`: there is no answer, because the connection is broken */
  async #withFaults(faults: CallFaults, handler: Call<unknown>, call: UnaryCall): Promise<object | null> {
    const { core } = this.#host;
    const { request } = call.request;
    const peer = call.getPeer();
    if (faults.has("restart")) {
      core.restart();
      return null;
    }
    if (faults.has("disconnect")) return this.#break(peer);
    if (faults.delayMs > 0) await new Promise<void>((resolve) => core.delays.after(faults.delayMs, resolve));
    const refusal = faults.refusal(false);
    if (refusal !== null && refusal.code !== Code.ok) throw refusal;
    if (faults.has("invalid-message"))
      core.invalidMessages.choose((request as { readonly messages: readonly PublishedMessage[] }).messages);
    this.#applyToMembers(faults, handler, request);
    const { ackFailure } = faults;
    if (ackFailure !== null) {
      throw ackRefusal(new Map((request as { readonly ackIds: readonly string[] }).ackIds.map((ackId) => [ackId, ackFailure])));
    }
    const response = await this.#carryOut(handler, call);
    if (faults.has("lose-answer")) return this.#break(peer);
    const late = faults.refusal(true);
    if (late !== null) throw late;
    return response;
  }

  #applyToMembers(faults: CallFaults, handler: Call<unknown>, request: unknown): void {
    const { core } = this.#host;
    if (!faults.has("expire-leases") && !faults.has("end-streams")) return;
    const subscription = core.registry.findSubscription(handler.subject(request).subscription ?? "");
    if (subscription === null) return;
    if (faults.has("expire-leases")) core.expireMember(subscription, (request as { readonly ackIds: readonly string[] }).ackIds);
    if (faults.has("end-streams")) core.endMembers(subscription);
  }

  #break(peer: string): null {
    this.#host.break(peer);
    return null;
  }

  #statusOf(error: unknown): {
    readonly code: number;
    readonly details: string;
    readonly metadata?: InstanceType<PubSubLibrary["grpc"]["Metadata"]>;
  } {
    if (!(error instanceof Refusal)) return { code: Code.internal, details: `The emulator has failed: ${String(error)}` };
    const { code, message: details, ackFailures } = error;
    const statusDetails = ackFailures.size === 0 ? null : this.#encoding.statusDetails(error);
    if (statusDetails === null || statusDetails.length > MOST_DETAILS) return { code, details };
    const metadata = new this.#library.grpc.Metadata();
    metadata.set("grpc-status-details-bin", statusDetails);
    return { code, details, metadata };
  }
}
