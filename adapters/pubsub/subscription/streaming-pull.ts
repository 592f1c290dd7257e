import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import type { StreamError } from "../../../src/driver/index.ts";
import { type PullCall, STREAM_LIFE_MS } from "../client/pubsub-connection.ts";
import { pubsubError } from "../errors.ts";
import type { ReceivedMessage } from "../records.ts";
import { FIRST_LEASE_SECONDS } from "./leases.ts";

/** What one stream may have outstanding. */
interface FlowControl {
  readonly messages: number;
  readonly bytes: number;
}

export interface StreamSettings {
  /** Its complete name. */
  readonly subscription: string;
  readonly flow: FlowControl;
  /** What ends the pulling where the service says of a stream that it does not keep the order of keys. @default nobody asks */
  readonly unordered?: StreamError | undefined;
  /** How long a stream is used. @default two thirds of its life */
  readonly renewalMs?: number | undefined;
}

export interface PullResponse {
  readonly receivedMessages?: readonly ReceivedMessage[] | null;
  readonly subscriptionProperties?: {
    readonly exactlyOnceDeliveryEnabled?: boolean | null;
    readonly messageOrderingEnabled?: boolean | null;
  } | null;
}

export interface StreamHooks {
  /** The service has answered in whatever way. */
  readonly answered: () => void;
  /** The stream is open. */
  readonly opened: () => void;
  /** A sign of life was answered. */
  readonly signAnswered: () => void;
  /** Messages have come. */
  readonly received: (response: PullResponse) => void;
}

const KEEPALIVE_MS = 30_000;
/** A stream that is left may be so long without a message before it ends. */
const LAST_MESSAGES_MS = 2_000;
/** So long a stream may take to answer a sign of life, or to end before the next one is opened. */
export const ANSWER_MS = 15_000;
/** A stream is replaced before its time is over: with it what is on its way would be lost. */
const RENEWAL_MS = (STREAM_LIFE_MS * 2) / 3;

/** One stream of a subscription's messages, from its opening to its end. */
export class StreamingPull {
  /** The server knows no signs of life, as Google's own emulator. */
  readonly hasNoSigns: boolean;
  readonly #call: PullCall;
  readonly #settings: StreamSettings;
  readonly #hooks: StreamHooks;
  readonly #ended = Promise.withResolvers<void>();
  /** Its first request was sent, and it has not ended. */
  #isBegun = false;
  /** The service has answered. */
  #isAnswered = false;
  /** Why it is being left for a new one; `null`: it is not. */
  #leavingFor: "window" | "time" | null = null;
  /** Something was heard since the last look. */
  #isAlive = true;
  #unanswered = 0;
  /** Of its window, by messages that will not be acknowledged. */
  readonly #used = { messages: 0, bytes: 0 };
  /** So long it may take to end. */
  #lastMs = ANSWER_MS;
  #cancelling: NodeJS.Timeout | null = null;

  constructor(call: PullCall, settings: StreamSettings, hasNoSigns: boolean, hooks: StreamHooks) {
    this.#call = call;
    this.#settings = settings;
    this.hasNoSigns = hasNoSigns;
    this.#hooks = hooks;
    call.on("data", (response: PullResponse) => this.#answered(response));
    call.on("error", (error) => this.#ended.reject(error));
    call.on("end", () => this.#ended.resolve());
    call.on("close", () => this.#ended.reject(pubsubError("unavailable", "the stream was closed before its end")));
    // Pulling may end before it has begun: then nobody waits for this end.
    this.#ended.promise.catch(() => undefined);
  }

  /** Does it bring messages, and has said so? */
  get isOpen(): boolean {
    return this.#isBegun && this.#isAnswered && this.#leavingFor === null;
  }

  /** Was it left because its window was used up? */
  get isUsedUp(): boolean {
    return this.#leavingFor === "window";
  }

  /** Signs of life that are not answered. */
  get unanswered(): number {
    return this.#unanswered;
  }

  forgetSigns(): void {
    this.#unanswered = 0;
  }

  signOfLife(): void {
    this.#unanswered += 1;
    if (this.#call.writable) this.#call.write({});
  }

  /** Messages of these sizes will not be acknowledged. Half of the window is enough to go on, also with one of the largest messages. */
  use(messages: readonly number[]): void {
    this.#used.messages += messages.length;
    for (const bytes of messages) this.#used.bytes += bytes;
    const { messages: most, bytes: mostBytes } = this.#settings.flow;
    if (this.#used.messages >= most / 2 || this.#used.bytes >= mostBytes / 4) this.#leave("window");
  }

  /** Ends, so that a new one with a new window takes its place. */
  #leave(what: "window" | "time"): void {
    if (!this.#isBegun || this.#leavingFor !== null) return;
    this.#leavingFor = what;
    this.#end();
  }

  /** What is on its way is still received: else it would be leased until its deadline. */
  #end(): void {
    if (this.#call.writable) this.#call.end();
    if (this.#cancelling !== null) clearTimeout(this.#cancelling);
    this.#cancelling = setTimeout(() => this.#call.cancel(), this.#lastMs);
  }

  /**
   * Resolves when the service has ended it without an error, by itself or because the signal has aborted.
   * @param clientId by which the service knows what was outstanding on an earlier stream
   */
  async run(clientId: string, signal: AbortSignal): Promise<void> {
    const end = (): void => {
      this.#lastMs = LAST_MESSAGES_MS;
      this.#end();
    };
    const keepalive = setInterval(() => this.#keepAlive(), KEEPALIVE_MS);
    const renewal = setTimeout(() => this.#leave("time"), this.#settings.renewalMs ?? RENEWAL_MS);
    try {
      if (signal.aborted) return;
      signal.addEventListener("abort", end, { once: true });
      this.#begin(clientId);
      await this.#ended.promise;
    } finally {
      this.#isBegun = false;
      clearInterval(keepalive);
      clearTimeout(renewal);
      if (this.#cancelling !== null) clearTimeout(this.#cancelling);
      signal.removeEventListener("abort", end);
      this.#call.cancel();
    }
  }

  #begin(clientId: string): void {
    const { subscription, flow } = this.#settings;
    this.#call.write({
      subscription,
      streamAckDeadlineSeconds: FIRST_LEASE_SECONDS,
      clientId,
      maxOutstandingMessages: flow.messages,
      maxOutstandingBytes: flow.bytes,
      protocolVersion: 1,
    });
    this.#isBegun = true;
    // The first answer says that the stream is open.
    if (!this.hasNoSigns) return this.signOfLife();
    this.#isAnswered = true;
    this.#hooks.opened();
  }

  #keepAlive(): void {
    if (this.hasNoSigns) return;
    // The connection is dead though nobody has said so.
    if (!this.#isAlive) return this.#call.cancel();
    this.#isAlive = false;
    this.signOfLife();
  }

  #answered(response: PullResponse): void {
    this.#isAlive = true;
    this.#cancelling?.refresh();
    this.#hooks.answered();
    const { unordered } = this.#settings;
    if (unordered !== undefined && response.subscriptionProperties?.messageOrderingEnabled === false) {
      return this.#ended.reject(unordered);
    }
    const wasAnswered = this.#isAnswered;
    this.#isAnswered = true;
    if ((response.receivedMessages ?? []).length > 0) return this.#hooks.received(response);
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    this.#hooks.signAnswered();
    if (!wasAnswered) this.#hooks.opened();
  }
}
