/** The public entry point of the provider: `streamport/kafka`. */
import type { Driver } from "../../src/driver/index.ts";
import type { KafkaCapability } from "./driver.ts";
import { openWithOptions } from "./open.ts";
import type { KafkaOptions } from "./options.ts";

export type { KafkaOptions, KafkaSasl } from "./options.ts";

/**
 * Apache Kafka and services with its protocol, over kafkajs's connections.
 * @throws `configuration` for unknown options and values; if kafkajs cannot be loaded, the first call rejects with `configuration`
 */
export function kafka(options: KafkaOptions): Driver<KafkaCapability> {
  return openWithOptions(options);
}
