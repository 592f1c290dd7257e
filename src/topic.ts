import type { CallOptions } from "./call-options.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Codec } from "./codec/codec.ts";
import type { OpenConnection } from "./connection.ts";
import { createConsumer } from "./consume/consumer.ts";
import type { Consumer, ConsumerOptions } from "./consume/consumer-types.ts";
import type { ProviderDriver } from "./driver/provider-driver.ts";
import { StreamError } from "./errors.ts";
import { type OptionRule, checkOptions, rules } from "./option-rules.ts";
import { openRecordSender } from "./publish/open-record-sender.ts";
import { createProducer } from "./publish/producer.ts";
import type { Producer, ProducerOptions } from "./publish/producer-types.ts";
import { createReader } from "./replay/reader.ts";
import type { Reader, ReaderOptions } from "./replay/reader-types.ts";
import { retriedCall } from "./retried-call.ts";
import { callOn } from "./topic-call.ts";
import type { TopicContext } from "./topic-context.ts";
import { checkedTopicName } from "./topic-name.ts";
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
  connection: OpenConnection<never>,
  driver: ProviderDriver,
  name: string,
  options: TopicOptions<T, Input, Tombstones>,
): Topic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>> {
  const nativeTopicOf = (topic: string): string => checkedTopicName(driver, topic, (checked) => connection.nativeTopic(checked));
  const nativeTopic = nativeTopicOf(name);
  checkOptions("topic options", options, { codec: codecRule, key: rules.function, tombstones: rules.boolean });
  if (options.codec === undefined) {
    throw new StreamError("invalid-argument", `topic options: codec is needed: ${codecRule.allowed}`, { topic: name });
  }
  if (options.tombstones === true) connection.requireCapability("tombstones", "topic", name);
  return new DescribedTopic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>>({
    driver,
    provider: driver.provider,
    topic: name,
    nativeTopic,
    capabilities: connection.capabilities,
    // A tombstone never reaches the codec or the key rule's author unasked: the producer and the consumers handle `null` themselves.
    codec: options.codec,
    keyRule: options.key as ((value: OrTombstone<Input, Tombstones>) => string | null) | undefined,
    tombstones: options.tombstones === true,
    nativeTopicOf,
    nativeGroup: (group) => connection.nativeGroup(group),
    requireOpen: (operation) => connection.requireOpen(operation),
    requireCapability: (capability, operation) => connection.requireCapability(capability, operation, name),
    callPatienceMs: () => connection.callPatienceMs,
    toError: (error, operation) => connection.toError(error, { operation, topic: name }),
    track: (part) => connection.track(part),
    recordSender: (topic) =>
      openRecordSender(
        {
          driver,
          provider: driver.provider,
          topic,
          nativeTopic: nativeTopicOf(topic),
          capabilities: connection.capabilities,
          requireCapability: (capability, operation) => connection.requireCapability(capability, operation, topic),
          toError: (error, operation) => connection.toError(error, { operation, topic }),
          track: (part) => connection.track(part),
        },
        undefined,
      ),
  });
}

class DescribedTopic<T, Input> implements Topic<T, Input> {
  readonly name: string;
  readonly #context: TopicContext<T, Input>;

  constructor(context: TopicContext<T, Input>) {
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

  /** What is refused at once says where, as everything else does. */
  #made<Part>(operation: string, make: () => Part): Part {
    try {
      return make();
    } catch (error) {
      throw this.#context.toError(error, operation);
    }
  }
}
