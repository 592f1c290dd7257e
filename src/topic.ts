import type { CallOptions } from "./call-options.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Codec } from "./codec/codec.ts";
import type { ConnectionServices } from "./connection-services.ts";
import { createConsumer } from "./consume/consumer.ts";
import type { Consumer, ConsumerOptions } from "./consume/consumer-types.ts";
import { StreamError } from "./errors.ts";
import { type OptionRule, checkOptions, rules } from "./option-rules.ts";
import { openRecordSender } from "./publish/open-record-sender.ts";
import { createProducer } from "./publish/producer.ts";
import type { Producer, ProducerOptions } from "./publish/producer-types.ts";
import { createReader } from "./replay/reader.ts";
import type { Reader, ReaderOptions } from "./replay/reader-types.ts";
import { retriedCall } from "./retried-call.ts";
import { callOn } from "./topic-call.ts";
import type { TopicContext, TypedTopic } from "./topic-context.ts";
import type { OrTombstone, Topic, TopicOptions } from "./topic-types.ts";

const codecRule: OptionRule = {
  allowed: "a codec: json(), text(), bytes(), or an object with the functions encode and decode",
  accepts: (value) =>
    typeof value === "object" &&
    value !== null &&
    typeof (value as Partial<Codec<unknown>>).encode === "function" &&
    typeof (value as Partial<Codec<unknown>>).decode === "function",
};

/** Describes a topic of a connection. Opens nothing. @throws `invalid-argument` (name, options) · `unsupported` (tombstones) */
export function createTopic<T, Input, Tombstones extends boolean>(
  services: ConnectionServices,
  name: string,
  options: TopicOptions<T, Input, Tombstones>,
): Topic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>> {
  const context = topicContext(services, name);
  checkOptions("topic options", options, { codec: codecRule, key: rules.function, tombstones: rules.boolean });
  if (options.codec === undefined) {
    throw new StreamError("invalid-argument", `topic options: codec is needed: ${codecRule.allowed}`, { topic: name });
  }
  if (options.tombstones === true) context.requireCapability("tombstones", "topic");
  return new DescribedTopic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>>({
    ...context,
    // A tombstone reaches neither the codec nor the key rule: the producer and the consumers handle `null` themselves.
    codec: options.codec,
    keyRule: options.key as ((value: OrTombstone<Input, Tombstones>) => string | null) | undefined,
    tombstones: options.tombstones === true,
  });
}

/** What the portable classes know of a topic. @throws `invalid-argument` for a name that the provider does not take */
export function topicContext(services: ConnectionServices, topic: string): TopicContext {
  const { driver, provider, capabilities } = services;
  return {
    driver,
    provider,
    topic,
    nativeTopic: services.checkedNativeTopic(topic),
    capabilities,
    nativeTopicOf: (other) => services.checkedNativeTopic(other),
    checkedGroup: (group) => services.checkedGroup(group),
    requireOpen: (operation) => services.requireOpen(operation),
    requireCapability: (capability, operation) => services.requireCapability(capability, operation, topic),
    retryForMs: () => services.retryForMs(),
    toError: (error, operation) => services.toError(error, { operation, topic }),
    closing: services.closing,
    track: (part) => services.track(part),
    recordSender: (other) => openRecordSender(topicContext(services, other), undefined),
  };
}

class DescribedTopic<T, Input> implements Topic<T, Input> {
  readonly name: string;
  readonly #context: TypedTopic<T, Input>;

  constructor(context: TypedTopic<T, Input>) {
    this.name = context.topic;
    this.#context = context;
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    checkOptions("call options", options, { signal: rules.abortSignal });
    options.signal?.throwIfAborted();
    const { driver, nativeTopic } = this.#context;
    this.#context.requireOpen("topic.capabilities");
    try {
      return await retriedCall(callOn(this.#context, "topic.capabilities", options.signal), (signal) =>
        driver.topicCapabilities(nativeTopic, signal),
      );
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#context.toError(error, "topic.capabilities");
    }
  }

  producer(options?: ProducerOptions): Producer<Input> {
    return this.#made("send", () => createProducer(this.#context, options));
  }

  consumer(options: ConsumerOptions): Consumer<T> {
    this.#context.requireOpen("consume");
    return this.#made("consume", () => createConsumer(this.#context, options));
  }

  reader(options?: ReaderOptions): Reader<T> {
    this.#context.requireOpen("read");
    return this.#made("read", () => createReader(this.#context, options));
  }

  /** An error of the options has the same details as every other error. */
  #made<Part>(operation: string, make: () => Part): Part {
    try {
      return make();
    } catch (error) {
      throw this.#context.toError(error, operation);
    }
  }
}
