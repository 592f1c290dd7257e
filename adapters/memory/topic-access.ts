import type { Capabilities, TopicIdentity, TopicSettings } from "../../src/driver/index.ts";
import type { MemoryBroker } from "./broker/broker.ts";
import type { MemoryTopic, MemoryTopicSettings } from "./broker/topic.ts";
import { memoryError } from "./errors.ts";
import type { Profile } from "./profiles.ts";
import type { Service } from "./service.ts";

/**
 * The topic, if this form of the provider can represent it.
 * @throws `not-found` · `unsupported` for several partitions in a form without partitions
 */
export function topicFor(service: Service, name: string): MemoryTopic {
  const topic = service.broker.topic(name);
  if (topic.partitions.size > 1 && !service.profile.capabilities.partitions) {
    throw memoryError(
      "unsupported",
      `topic ${JSON.stringify(name)} has ${topic.partitions.size} partitions; this form of the provider has none`,
      {
        topic: name,
        capability: "partitions",
      },
    );
  }
  return topic;
}

/** The identity of the topic's log, as far as these capabilities can detect it. */
export function identityOf(broker: MemoryBroker, topic: MemoryTopic, capabilities: Capabilities): TopicIdentity {
  return { cluster: broker.cluster, topic: topic.name, incarnation: capabilities.recreationDetected ? topic.incarnation : "" };
}

/**
 * The settings in the form that this provider can keep. The retention is not looked at: an emulator may be asked for one that the service does not have.
 * @throws `unsupported` for several partitions in a form without partitions
 */
export function topicSettings({ capabilities, retention }: Profile, given: MemoryTopicSettings): MemoryTopicSettings {
  const settings = { ...given, retentionMs: given.retentionMs ?? retention.defaultMs ?? undefined };
  if (capabilities.partitions) return settings;
  if ((settings.partitions ?? 1) > 1) {
    throw memoryError("unsupported", `this form of the provider has no partitions; received ${settings.partitions}`, {
      capability: "partitions",
    });
  }
  return { ...settings, partitions: 1 };
}

/** Of a new topic, or with `current` of one that exists. @throws `invalid-argument` · `unsupported` where it cannot be changed */
export function requireRetention({ retention }: Profile, { retentionMs }: TopicSettings, current?: number | null): void {
  if (retentionMs === undefined || retentionMs === current) return;
  const { leastMs, mostMs, isFixed } = retention;
  if (isFixed && current !== undefined) {
    throw memoryError("unsupported", "this form of the provider cannot change the retention of a topic");
  }
  if (retentionMs >= leastMs && retentionMs <= mostMs) return;
  throw memoryError("invalid-argument", `retentionMs of this form of the provider is ${leastMs} to ${mostMs}; received ${retentionMs}`);
}
