import type { Capability, Driver } from "../../src/driver/index.ts";
import { MemoryBroker } from "./broker/broker.ts";
import { memoryBroker } from "./broker/brokers.ts";
import { MemoryDriver } from "./driver.ts";
import { type MemoryOptions, checkMemoryOptions, parseMemoryUrl } from "./options.ts";
import { profileOf } from "./profiles.ts";
import { requireRetention, topicSettings } from "./topic-access.ts";

/** `memory:name?create=orders,payments&like=kinesis&without=lagInTime&delayMs=5`. @throws `configuration` */
export function openMemory(url: string): Driver {
  return openWithOptions(parseMemoryUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: MemoryOptions): Driver<Capability> {
  checkMemoryOptions(options);
  const { name, topics = {}, like, without = [], delayMs = 0 } = options;
  const profile = profileOf(like, without);
  for (const settings of Object.values(topics)) requireRetention(profile, settings);
  const created = Object.entries(topics).map(([topic, settings]) => [topic, topicSettings(profile, settings)] as const);
  const broker = (): MemoryBroker => {
    const opened = name === undefined ? new MemoryBroker() : memoryBroker(name);
    for (const [topic, settings] of created) {
      // A topic that another connection of the same name has created stays as it is.
      if (!opened.hasTopic(topic)) opened.createTopic(topic, profile, settings);
    }
    return opened;
  };
  return new MemoryDriver(broker, profile, delayMs);
}
