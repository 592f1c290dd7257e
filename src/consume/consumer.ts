import { type CallOptions, type CloseOptions, closeTimeoutMs } from "../call-options.ts";
import { StreamError } from "../errors.ts";
import type { Lag } from "../lag.ts";
import type { Message } from "../message.ts";
import { checkOptions, describeValue, rules } from "../option-rules.ts";
import { retriedCall } from "../retried-call.ts";
import { callOn } from "../topic-call.ts";
import type { TopicContext, TypedTopic } from "../topic-context.ts";
import { type ResolvedConsumerOptions, refuseForIteration, resolveConsumerOptions } from "./consumer-options.ts";
import type { BatchHandler, Consumer, ConsumerOptions, ConsumerStatus, MessageHandler } from "./consumer-types.ts";
import { GroupMember } from "./group-member.ts";
import type { Handler } from "./handler-runner.ts";
import { MessageIterator } from "./message-iterator.ts";

/** A member of a group that has not joined yet. Checks the options and opens nothing. @throws `invalid-argument` · `unsupported` */
export function createConsumer<T>(context: TypedTopic<T, never>, options: ConsumerOptions): Consumer<T> {
  return new GroupConsumer(context, options, resolveConsumerOptions(context, options));
}

type Use = "run" | "runBatches" | "iteration";

class GroupConsumer<T> implements Consumer<T> {
  readonly #context: TypedTopic<T, never>;
  readonly #options: ConsumerOptions;
  readonly #plan: ResolvedConsumerOptions;
  #use: Use | null = null;
  #member: GroupMember<T> | null = null;
  #closed = false;
  #paused = false;

  constructor(context: TypedTopic<T, never>, options: ConsumerOptions, plan: ResolvedConsumerOptions) {
    this.#context = context;
    this.#options = options;
    this.#plan = plan;
  }

  async run(handler: MessageHandler<T>): Promise<void> {
    requireHandler(handler);
    this.#claim("run");
    await this.#join({ kind: "message", handle: handler }).run();
  }

  async runBatches(handler: BatchHandler<T>): Promise<void> {
    requireHandler(handler);
    this.#claim("runBatches");
    await this.#join({ kind: "batch", handle: handler }).run();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, void> {
    refuseForIteration(this.#options);
    this.#claim("iteration");
    return new MessageIterator<T>((handle) => this.#join({ kind: "message", handle }));
  }

  #claim(use: Use): void {
    const { provider, topic } = this.#context;
    const details = { provider, topic, operation: "consume" };
    if (this.#use !== null) {
      throw new StreamError(
        "conflict",
        `${use}: this consumer is already used by ${this.#use}; a consumer does one of them, once`,
        details,
      );
    }
    if (this.#closed) throw new StreamError("closed", "this consumer is closed", details);
    this.#context.requireOpen("consume");
    this.#use = use;
  }

  #join(handler: Handler<T>): GroupMember<T> {
    if (this.#closed) throw new StreamError("closed", "this consumer is closed", { topic: this.#context.topic, operation: "consume" });
    const { codec, tombstones } = this.#context;
    this.#member = new GroupMember(this.#context, { codec, tombstones }, this.#plan, handler);
    this.#member.pause(this.#paused);
    return this.#member;
  }

  get assigned(): readonly string[] {
    return this.#member?.assigned ?? [];
  }

  status(): ConsumerStatus {
    if (this.#member !== null) return this.#member.status;
    return { state: this.#closed ? "closed" : "idle", running: 0, buffered: 0, oldest: null, lastCommit: null };
  }

  async lag(options: CallOptions = {}): Promise<Lag> {
    checkOptions("call options", options, { signal: rules.abortSignal });
    options.signal?.throwIfAborted();
    const { capabilities } = this.#context;
    this.#context.requireOpen("lag");
    if (!capabilities.lagInTime) this.#context.requireCapability("lagInMessages", "lag");
    try {
      return await retriedCall(callOn(this.#context, "lag", options.signal), (signal) => {
        const { state } = this.status();
        // Only a member that takes part may have no share. For one that joins, has failed or is closed a lag of 0 would hide what waits.
        const takesPart = state === "running" || state === "paused";
        const isUnknown = this.assigned.length === 0 && !takesPart;
        return lagOf(this.#context, this.#plan, isUnknown ? null : this.assigned, signal);
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#context.toError(error, "lag");
    }
  }

  pause(): void {
    this.#paused = true;
    this.#member?.pause(true);
  }

  resume(): void {
    this.#paused = false;
    this.#member?.pause(false);
  }

  async close(options: CloseOptions = {}): Promise<void> {
    this.#closed = true;
    await this.#member?.close(closeTimeoutMs(options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function requireHandler(handler: unknown): void {
  if (typeof handler === "function") return;
  throw new StreamError("invalid-argument", `a handler function is needed; received ${describeValue(handler)}`, { operation: "consume" });
}

/**
 * How far a group is behind in these partitions, `null` for all. Without a stored position it is counted from its initial one.
 * @throws `not-found` where it has no stored position and `initialPosition` is `"fail"` · what the driver throws
 */
async function lagOf(
  context: TopicContext,
  { group, nativeGroup, initialPosition }: ResolvedConsumerOptions,
  partitions: readonly string[] | null,
  signal: AbortSignal,
): Promise<Lag> {
  const { driver, nativeTopic } = context;
  const start = await initialPosition.resolve(() => driver.identity(nativeTopic, signal));
  const request = { partitions, initialPosition: start === "fail" ? null : start };
  return driver.admin.lag(nativeTopic, { group, nativeGroup }, request, signal);
}
