import type { TopicContext } from "../topic-context.ts";
import { ProducerLifetime } from "./producer-lifetime.ts";
import { checkProducerOptions } from "./producer-options.ts";
import type { Producer, ProducerOptions } from "./producer-types.ts";
import { TopicProducer } from "./topic-producer.ts";

/** Opens nothing: the topic is asked for at the first send. @throws `invalid-argument` for wrong options · `closed` */
export function createProducer<T, Input>(context: TopicContext<T, Input>, options: ProducerOptions | undefined): Producer<Input> {
  const settings = checkProducerOptions(options);
  context.requireOpen("send");
  return new TopicProducer(context, new ProducerLifetime(context, settings));
}
