import type { CallOptions } from "../call-options.ts";
import type { ConnectionServices } from "../connection-services.ts";
import { StreamError } from "../errors.ts";
import { checkOptions, rules } from "../option-rules.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { TopicSettings } from "../topic-settings.ts";
import { type AdminCall, adminCall, unlessDone } from "./admin-call.ts";
import type { TopicDescription } from "./admin-types.ts";

const SETTINGS = { partitions: rules.positiveInteger, retentionMs: rules.positiveInteger } as const;

type UpdateSettings = TopicSettings & { mayReorder?: boolean | undefined };

export function createTopic(
  services: ConnectionServices,
  topic: string,
  settings: TopicSettings = {},
  options?: CallOptions,
): Promise<void> {
  return adminCall(services, "createTopic", topic, options, async (call) => {
    call.requireCapability("topicAdmin");
    checkOptions("topic settings", settings, SETTINGS);
    const nativeTopic = services.checkedNativeTopic(topic);
    if ((settings.partitions ?? 1) > 1) call.requireCapability("partitions");
    const { admin } = services.driver;
    await unlessDone(services, call, "already-exists", () => admin.createTopic(nativeTopic, given(settings), call.signal));
  });
}

export function updateTopic(services: ConnectionServices, topic: string, settings: UpdateSettings, options?: CallOptions): Promise<void> {
  return adminCall(services, "updateTopic", topic, options, async (call) => {
    call.requireCapability("topicAdmin");
    checkOptions("topic settings", settings, { ...SETTINGS, mayReorder: rules.boolean });
    const nativeTopic = services.checkedNativeTopic(topic);
    const wanted = given(settings);
    if (wanted.partitions === undefined && wanted.retentionMs === undefined) {
      throw new StreamError("invalid-argument", "topic settings: partitions or retentionMs is needed; received neither");
    }
    if (wanted.partitions !== undefined) await requireReshape(services, nativeTopic, wanted.partitions, settings.mayReorder === true, call);
    // Nothing is changed for a caller that has given up.
    call.signal.throwIfAborted();
    await services.driver.admin.updateTopic(nativeTopic, wanted, call.signal);
  });
}

/** Checks a new number of partitions. The present number is harmless on every provider, and needs no capability. */
async function requireReshape(
  services: ConnectionServices,
  topic: string,
  wanted: number,
  mayReorder: boolean,
  call: AdminCall,
): Promise<void> {
  const description = await services.driver.admin.describeTopic(topic, call.signal);
  const now = description.openPartitions ?? description.partitions.length;
  if (wanted < now) call.requireCapability("partitionMerge");
  if (wanted <= now) return;
  call.requireCapability("partitionGrowth");
  if (services.capabilities.growthKeepsKeyOrder || mayReorder) return;
  throw new StreamError(
    "unsupported",
    `growing a topic from ${now} to ${wanted} partitions moves keys on ${services.provider} (growthKeepsKeyOrder is false): ` +
      "messages of a key may then be handled out of order; pass mayReorder: true to accept that",
    { capability: "growthKeepsKeyOrder" },
  );
}

export function deleteTopic(services: ConnectionServices, topic: string, options?: CallOptions): Promise<void> {
  let meant: TopicIdentity | undefined;
  return adminCall(services, "deleteTopic", topic, options, async (call) => {
    call.requireCapability("topicAdmin");
    const nativeTopic = services.checkedNativeTopic(topic);
    const { driver } = services;
    await unlessDone(services, call, "not-found", async () => {
      const found = await driver.identity(nativeTopic, call.signal);
      meant ??= found;
      // Behind an attempt whose answer was lost, another client has created the topic again: that one must not be deleted.
      if (call.mayBeDone && meant.incarnation !== found.incarnation) return;
      call.signal.throwIfAborted();
      await driver.admin.deleteTopic(nativeTopic, call.signal);
    });
  });
}

export function describeTopic(services: ConnectionServices, topic: string, options?: CallOptions): Promise<TopicDescription> {
  return adminCall(services, "describeTopic", topic, options, async (call) => {
    const nativeName = services.checkedNativeTopic(topic);
    const { partitions, retentionMs, maxMessageBytes } = await services.driver.admin.describeTopic(nativeName, call.signal);
    return { name: topic, nativeName, partitions, retentionMs, maxMessageBytes };
  });
}

export function listTopics(services: ConnectionServices, options?: CallOptions): Promise<readonly string[]> {
  return adminCall(services, "listTopics", undefined, options, async (call) => {
    call.requireCapability("topicListing");
    const nativeTopics = await services.driver.admin.listTopics(call.signal);
    return nativeTopics.flatMap((nativeTopic) => {
      const given = services.topicName(nativeTopic);
      if (given !== undefined) return [given];
      // A name that was given to another topic means that one.
      return services.nativeTopic(nativeTopic) === nativeTopic ? [nativeTopic] : [];
    });
  });
}

/** Only the settings that are present. */
function given({ partitions, retentionMs }: TopicSettings): TopicSettings {
  return { ...(partitions === undefined ? {} : { partitions }), ...(retentionMs === undefined ? {} : { retentionMs }) };
}
