import type { ServerDuplexStream } from "@grpc/grpc-js";
import { AckFailure } from "../delivery/ack-ids.ts";
import { KEEPALIVE } from "../faults/fault-effect.ts";
import { LIMITS } from "../limits.ts";
import { Code, Refusal } from "../refusal.ts";
import { pulledSubscription } from "../requests/delivery-calls.ts";
import { checkAckDeadline } from "../requests/subscription-calls.ts";
import type { Subscription } from "../resources/subscription.ts";
import type { Received } from "../wire/encoding.ts";
import type { StreamingPullRequest } from "../wire/messages.ts";
import { StreamConsumer, type StreamHost } from "./stream-consumer.ts";

const METHOD = "StreamingPull";

/** One stream of StreamingPull, from its first request on. */
export class StreamingPull {
  readonly #call: ServerDuplexStream<Received<StreamingPullRequest>, object>;
  readonly #host: StreamHost;
  #consumer: StreamConsumer | null = null;
  #subscription: Subscription | null = null;
  /** 0: the client does not expect an answer to a sign of life. */
  #protocolVersion = 0;
  #isOver = false;

  constructor(call: ServerDuplexStream<Received<StreamingPullRequest>, object>, host: StreamHost) {
    this.#call = call;
    this.#host = host;
    call.on("data", ({ request }: Received<StreamingPullRequest>) => this.#received(request));
    call.on("end", () => this.#end(Code.ok, ""));
    call.on("cancelled", () => this.#close());
    call.on("close", () => this.#close());
  }

  #received(request: StreamingPullRequest): void {
    this.#try(() => {
      if (this.#consumer === null) this.#open(request);
      else this.#further(request, this.#consumer);
    });
  }

  #try(run: () => void): void {
    if (this.#isOver) return;
    try {
      run();
    } catch (error) {
      if (error instanceof Refusal) this.#end(error.code, error.message);
      else this.#end(Code.internal, `The emulator has failed: ${String(error)}`);
    }
  }

  #open(request: StreamingPullRequest): void {
    const { core } = this.#host;
    const faults = core.take(METHOD, () => ({ subscription: request.subscription }));
    if (faults.has("restart")) return core.restart();
    if (faults.has("disconnect")) return this.#host.break(this.#call.getPeer());
    const refusal = faults.refusal(false);
    if (refusal !== null) throw refusal;
    if (faults.delayMs === 0) return this.#start(request);
    this.#call.pause();
    core.delays.after(faults.delayMs, () => {
      this.#try(() => this.#start(request));
      this.#call.resume();
    });
  }

  #start(request: StreamingPullRequest): void {
    this.#host.core.checkUp();
    checkAckDeadline(request.streamAckDeadlineSeconds, LIMITS.leastAckDeadlineSeconds);
    const subscription = pulledSubscription(this.#host.core.registry, request.subscription);
    this.#subscription = subscription;
    this.#protocolVersion = request.protocolVersion;
    this.#consumer = new StreamConsumer(this.#call, subscription, request, this.#host);
    this.#change(request, this.#consumer, subscription);
    if (!this.#isOver) subscription.connect(this.#consumer);
  }

  #further(request: StreamingPullRequest, consumer: StreamConsumer): void {
    const { subscription, maxOutstandingMessages, maxOutstandingBytes, protocolVersion, streamAckDeadlineSeconds, ackIds } = request;
    if (subscription !== "" || maxOutstandingMessages !== 0 || maxOutstandingBytes !== 0 || protocolVersion !== 0) {
      const text = "The subscription, the flow control and the protocol version can only be set by the first request of a stream.";
      throw new Refusal(Code.invalidArgument, text);
    }
    this.#subscription!.usedAtMs = this.#host.core.clock.nowMs;
    if (streamAckDeadlineSeconds !== 0) {
      checkAckDeadline(streamAckDeadlineSeconds, LIMITS.leastAckDeadlineSeconds);
      consumer.ackDeadlineMs = streamAckDeadlineSeconds * this.#host.core.secondMs;
    } else if (ackIds.length === 0 && request.modifyDeadlineAckIds.length === 0) this.#answerKeepalive(consumer);
    this.#change(request, consumer, this.#subscription!);
  }

  #answerKeepalive(consumer: StreamConsumer): void {
    // It is no call about a topic or a group: only what is planned for it counts it.
    const faults = this.#host.core.take(KEEPALIVE, () => ({}));
    if (!consumer.meet(faults)) return;
    if (this.#protocolVersion > 0 && !faults.has("no-answer")) consumer.respond({});
  }

  /** Acknowledges and changes deadlines. Only an exactly-once subscription says how that ended. */
  #change(request: StreamingPullRequest, consumer: StreamConsumer, subscription: Subscription): void {
    const { ackIds, modifyDeadlineAckIds, modifyDeadlineSeconds } = request;
    if (modifyDeadlineAckIds.length !== modifyDeadlineSeconds.length) {
      throw new Refusal(Code.invalidArgument, "The numbers of modify_deadline_ack_ids and of modify_deadline_seconds differ.");
    }
    for (const seconds of modifyDeadlineSeconds) checkAckDeadline(seconds, 0);
    if (ackIds.length > 0) {
      const failures = this.#withFaults("Acknowledge", ackIds, consumer, () => subscription.acknowledge(ackIds));
      if (subscription.isExactlyOnce) consumer.respond({ acknowledgeConfirmation: confirmation(ackIds, failures) });
    }
    if (modifyDeadlineAckIds.length === 0) return;
    const { secondMs } = this.#host.core;
    const changes = modifyDeadlineAckIds.map((ackId, index) => ({ ackId, ms: modifyDeadlineSeconds[index]! * secondMs }));
    const failures = this.#withFaults("ModifyAckDeadline", modifyDeadlineAckIds, consumer, () => subscription.modifyDeadlines(changes));
    if (!subscription.isExactlyOnce) return;
    consumer.respond({ modifyAckDeadlineConfirmation: confirmation(modifyDeadlineAckIds, failures) });
  }

  /** A part of a request counts as the call of this name. @returns why, for the ids that failed */
  #withFaults(
    name: string,
    ackIds: readonly string[],
    consumer: StreamConsumer,
    carryOut: () => ReadonlyMap<string, string>,
  ): ReadonlyMap<string, string> {
    const faults = this.#host.core.take(name, () => ({ subscription: this.#subscription!.name }));
    // Of a stream that has ended nobody reads the answer.
    if (!consumer.meet(faults, ackIds)) return new Map();
    const { ackFailure } = faults;
    const failures = ackFailure === null ? carryOut() : new Map(ackIds.map((ackId) => [ackId, ackFailure]));
    const late = faults.refusal(true);
    if (late !== null) throw late;
    return failures;
  }

  #end(code: number, text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#consumer !== null) this.#consumer.end(code, text);
    else if (code === Code.ok) this.#call.end();
    else this.#call.emit("error", { code, details: text, metadata: this.#host.trailers() });
  }

  #close(): void {
    this.#isOver = true;
    this.#consumer?.close();
  }
}

function confirmation(ackIds: readonly string[], failures: ReadonlyMap<string, string>): object {
  const failed = (isMeant: (reason: string) => boolean): readonly string[] =>
    [...failures].filter(([, reason]) => isMeant(reason)).map(([ackId]) => ackId);
  return {
    ackIds: ackIds.filter((ackId) => !failures.has(ackId)),
    invalidAckIds: failed((reason) => reason === AckFailure.invalid),
    unorderedAckIds: failed((reason) => reason === AckFailure.unordered),
    temporaryFailedAckIds: failed((reason) => reason !== AckFailure.invalid && reason !== AckFailure.unordered),
  };
}
