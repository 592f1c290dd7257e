import type { Connection } from "../../src/connection-types.ts";
import type { BatchHandler, Consumer, ConsumerOptions, MessageHandler } from "../../src/consume/consumer-types.ts";
import type { Producer, ProducerOptions } from "../../src/publish/producer-types.ts";
import type { Reader, ReaderOptions } from "../../src/replay/reader-types.ts";
import type { Topic, TopicOptions } from "../../src/topic-types.ts";
import { type Mutant, connectionMutant } from "./mutant.ts";
import { override } from "./override.ts";

// What an application sees, with types as wide as a defect needs.
export type AnyTopic = Topic<unknown>;
export type AnyProducer = Producer<unknown>;
export type AnyConsumer = Consumer<unknown>;
export type AnyTopicOptions = TopicOptions<unknown, unknown, boolean>;

/** Breaks every topic of a connection. */
export function topicMutant(
  name: string,
  change: (topic: AnyTopic, options: AnyTopicOptions) => Partial<AnyTopic>,
  changeOptions = (options: AnyTopicOptions): AnyTopicOptions => options,
): Mutant {
  return connectionMutant(name, () => (connection) => {
    const topic = (topicName: string, options: AnyTopicOptions): AnyTopic => {
      const original = connection.topic(topicName, changeOptions(options));
      return override(original, change(original, options));
    };
    return override(connection, { topic: topic as unknown as Connection["topic"] });
  });
}

/** Forgets or changes options of producers. */
export function producerOptionsMutant(name: string, change: (options: ProducerOptions) => ProducerOptions): Mutant {
  return topicMutant(name, (topic) => ({ producer: (options = {}) => topic.producer(change(options)) }));
}

/** Breaks every producer that an application opens. */
export function producerCallsMutant(
  name: string,
  change: (producer: AnyProducer, options: AnyTopicOptions) => Partial<AnyProducer>,
): Mutant {
  return topicMutant(name, (topic, topicOptions) => ({
    producer: (options) => {
      const producer = topic.producer(options);
      return override(producer, change(producer, topicOptions));
    },
  }));
}

/** Forgets or changes options of consumers. */
export function consumerOptionsMutant(name: string, change: (options: ConsumerOptions) => ConsumerOptions): Mutant {
  return topicMutant(name, (topic) => ({ consumer: (options) => topic.consumer(change(options)) }));
}

/** Breaks every consumer that an application opens. */
export function consumerCallsMutant(name: string, change: (consumer: AnyConsumer) => Partial<AnyConsumer>): Mutant {
  return topicMutant(name, (topic) => ({
    consumer: (options) => {
      const consumer = topic.consumer(options);
      return override(consumer, change(consumer));
    },
  }));
}

/** Breaks how handlers are called. */
export function handlerMutant(name: string, change: () => (handler: MessageHandler<unknown>) => MessageHandler<unknown>): Mutant {
  return consumerCallsMutant(name, (consumer) => {
    const changeHandler = change();
    return { run: async (handler) => consumer.run(changeHandler(handler)) };
  });
}

export function batchHandlerMutant(name: string, change: (handler: BatchHandler<unknown>) => BatchHandler<unknown>): Mutant {
  return consumerCallsMutant(name, (consumer) => ({ runBatches: async (handler) => consumer.runBatches(change(handler)) }));
}

/** Forgets or changes options of readers. */
export function readerOptionsMutant(name: string, change: (options: ReaderOptions) => ReaderOptions): Mutant {
  return topicMutant(name, (topic) => ({ reader: (options = {}): Reader<unknown> => topic.reader(change(options)) }));
}
