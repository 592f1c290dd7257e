import type { OpenDriver } from "../../src/driver/index.ts";
import { loadSdk } from "./client/sdk.ts";
import { parseKafkaUrl } from "./connection-url.ts";
import { KafkaDriver } from "./driver.ts";
import { type KafkaOptions, checkKafkaOptions } from "./options.ts";

/**
 * For URLs: `kafka://user:password@host:9092,host2:9092?sasl.mechanism=scram-sha-512&tls=true`.
 * @throws `configuration` where kafkajs cannot be loaded; the opener itself for what it does not understand
 */
export async function loadKafkaOpener(): Promise<OpenDriver> {
  await loadSdk();
  return (url) => openWithOptions(parseKafkaUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: KafkaOptions): KafkaDriver {
  checkKafkaOptions(options);
  return new KafkaDriver(options);
}
