import type { Driver, OpenDriver } from "../../src/driver/index.ts";
import { loadSdk } from "./client/sdk.ts";
import { parseKafkaUrl } from "./connection-url.ts";
import { type KafkaCapability, KafkaDriver } from "./driver.ts";
import { type KafkaOptions, checkKafkaOptions } from "./options.ts";

export type { KafkaOptions, KafkaSasl } from "./options.ts";

/**
 * Apache Kafka and what speaks its protocol, by kafkajs's connections.
 * @throws `configuration` for unknown options and values; where kafkajs is not installed, the first call does
 */
export function kafka(options: KafkaOptions): Driver<KafkaCapability> {
  return openWith(options);
}

/**
 * For URLs: `kafka://user:password@host:9092,host2:9092?sasl.mechanism=scram-sha-512&tls=true`.
 * @throws `configuration` where kafkajs is not installed; the opener itself for what it does not understand
 */
export async function loadKafkaOpener(): Promise<OpenDriver> {
  await loadSdk();
  return (url) => openWith(parseKafkaUrl(url));
}

function openWith(options: KafkaOptions): KafkaDriver {
  checkKafkaOptions(options);
  return new KafkaDriver(options);
}
