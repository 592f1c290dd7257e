import type { Capability, ProviderDriver } from "../../src/driver/index.ts";
import { MemoryBroker } from "./broker/broker.ts";
import { memoryBroker } from "./broker/brokers.ts";
import { MemoryDriver } from "./driver.ts";
import { type MemoryOptions, checkMemoryOptions, parseMemoryUrl } from "./options.ts";
import { profileOf } from "./profiles.ts";
import { topicSettings } from "./topic-access.ts";

/** `memory:name?create=orders,payments&like=kinesis&without=lagInTime&delayMs=5`. @throws `configuration` */
export function openMemory(url: string): ProviderDriver {
  return openWithOptions(parseMemoryUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: MemoryOptions): ProviderDriver<Capability> {
  checkMemoryOptions(options);
  const { name, topics = {}, like, without = [], delayMs = 0 } = options;
  const profile = profileOf(like, without);
  const broker = name === undefined ? new MemoryBroker() : memoryBroker(name);
  for (const [topic, settings] of Object.entries(topics)) {
    // What another connection of the same name has created stays as it is.
    if (!broker.hasTopic(topic)) broker.createTopic(topic, profile.layout, topicSettings(profile, settings));
  }
  return new MemoryDriver(broker, profile, delayMs);
}
