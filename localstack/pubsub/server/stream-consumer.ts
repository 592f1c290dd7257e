import type { Metadata, ServerDuplexStream } from "@grpc/grpc-js";
import type { Lease } from "../delivery/lease.ts";
import type { CallFaults } from "../faults/call-faults.ts";
import { DELIVERY } from "../faults/fault-effect.ts";
import { Code } from "../refusal.ts";
import type { Connected, Subscription } from "../resources/subscription.ts";
import type { ReceivedMessage, StreamingPullRequest } from "../wire/messages.ts";
import type { EmulatorCore } from "./emulator-core.ts";

/** How much of the backlog one response takes. */
const RESPONSE_MESSAGES = 500;
const RESPONSE_BYTES = 1_000_000;
/** How much may be on its way to a client that does not read. */
const UNSENT_BYTES = 1_000_000;

/** What a stream needs of its server. */
export interface StreamHost {
  readonly core: EmulatorCore;
  /** Breaks the connection of this peer. */
  break(peer: string): void;
  /** Of the status with which a stream ends: by them a client can tell that end from a connection that is gone. */
  trailers(): Metadata;
}

/** A stream of StreamingPull as a consumer of its subscription: it keeps to the flow control that the client asked for. */
export class StreamConsumer implements Connected {
  readonly clientId: string;
  readonly isSingle = false;
  readonly #peer: string;
  ackDeadlineMs: number;
  readonly #call: ServerDuplexStream<unknown, object>;
  readonly #subscription: Subscription;
  readonly #host: StreamHost;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #outstanding = 0;
  #outstandingBytes = 0;
  #batch: ReceivedMessage[] = [];
  #batchBytes = 0;
  /** What the connection has not taken yet. */
  #unsentBytes = 0;
  #isStalled = false;
  /** Its next messages have been delayed, and are not delayed again. */
  #hasWaited = false;
  #isEnded = false;

  constructor(call: ServerDuplexStream<unknown, object>, subscription: Subscription, first: StreamingPullRequest, host: StreamHost) {
    this.#call = call;
    this.#subscription = subscription;
    this.#host = host;
    this.#peer = call.getPeer();
    this.clientId = first.clientId;
    this.ackDeadlineMs = first.streamAckDeadlineSeconds * host.core.secondMs;
    this.#maxMessages = first.maxOutstandingMessages > 0 ? first.maxOutstandingMessages : Infinity;
    this.#maxBytes = first.maxOutstandingBytes > 0 ? first.maxOutstandingBytes : Infinity;
  }

  get hasRoom(): boolean {
    if (this.#isEnded || this.#isStalled || this.#unsentBytes > UNSENT_BYTES) return false;
    return this.#outstanding < this.#maxMessages && this.#outstandingBytes < this.#maxBytes;
  }

  prepare(): boolean {
    const hasWaited = this.#hasWaited;
    this.#hasWaited = false;
    if (hasWaited) return true;
    const { name } = this.#subscription;
    const faults = this.#host.core.take(DELIVERY, () => ({ subscription: name }));
    if (faults.isEmpty) return true;
    if (this.meet(faults) && faults.delayMs > 0) this.#stall(faults.delayMs);
    return this.hasRoom;
  }

  /**
   * Shows what faults do to a stream, of whatever part of it they are.
   * @param ackIds that the client has named
   * @returns whether the stream goes on
   */
  meet(faults: CallFaults, ackIds: readonly string[] = []): boolean {
    const { core } = this.#host;
    if (faults.has("restart")) core.restart();
    if (faults.has("disconnect")) {
      this.#host.break(this.#peer);
      this.close();
    }
    const refusal = faults.refusal(false);
    if (refusal !== null) this.end(refusal.code, refusal.message);
    if (faults.has("end-streams")) core.endMembers(this.#subscription);
    if (faults.has("expire-leases")) core.expireMember(this.#subscription, ackIds);
    return !this.#isEnded;
  }

  deliver({ ackId, entry }: Lease): void {
    const { bytes } = entry.message;
    this.#outstanding += 1;
    this.#outstandingBytes += bytes.length;
    this.#batch.push({ ackId, message: bytes, deliveryAttempt: this.#subscription.attemptOf(entry.failures) });
    this.#batchBytes += bytes.length;
    if (this.#batch.length >= RESPONSE_MESSAGES || this.#batchBytes >= RESPONSE_BYTES) this.flush();
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    const bytes = this.#batchBytes;
    this.#unsentBytes += bytes;
    this.#write({ receivedMessages: this.#batch }, () => {
      const hadRoom = this.hasRoom;
      this.#unsentBytes -= bytes;
      if (!hadRoom) this.#subscription.roomChanged();
    });
    this.#batch = [];
    this.#batchBytes = 0;
  }

  released({ entry }: Lease): void {
    const hadRoom = this.hasRoom;
    this.#outstanding -= 1;
    this.#outstandingBytes -= entry.message.bytes.length;
    if (!hadRoom) this.#subscription.roomChanged();
  }

  /** Sends a response without messages. */
  respond(response: object): void {
    this.#write(response, () => undefined);
  }

  end(code: number, text: string): void {
    if (this.#isEnded) return;
    this.close();
    if (code === Code.ok) this.#call.end();
    else this.#call.emit("error", { code, details: text, metadata: this.#host.trailers() });
  }

  /** The stream is over. What is outstanding stays so. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#subscription.disconnect(this);
  }

  /** Every response has the properties of the subscription. */
  #write(response: object, whenSent: () => void): void {
    if (this.#isEnded) return;
    const { isExactlyOnce, isOrdered } = this.#subscription;
    const subscriptionProperties = { exactlyOnceDeliveryEnabled: isExactlyOnce, messageOrderingEnabled: isOrdered };
    this.#call.write({ ...response, subscriptionProperties }, whenSent);
  }

  #stall(durationMs: number): void {
    this.#isStalled = true;
    this.#host.core.delays.after(durationMs, () => {
      this.#isStalled = false;
      this.#hasWaited = true;
      this.#subscription.roomChanged();
    });
  }
}
