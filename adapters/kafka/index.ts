/** What applications see of the provider: `streamport/kafka`. */
import type { Driver } from "../../src/driver/index.ts";
import type { KafkaCapability } from "./driver.ts";
import { openWithOptions } from "./open.ts";
import type { KafkaOptions } from "./options.ts";

export type { KafkaOptions, KafkaSasl } from "./options.ts";

/**
 * Apache Kafka and what speaks its protocol, by kafkajs's connections.
 * @throws `configuration` for unknown options and values; where kafkajs cannot be loaded, the first call does
 */
export function kafka(options: KafkaOptions): Driver<KafkaCapability> {
  return openWithOptions(options);
}
