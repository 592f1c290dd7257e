import type { KafkaClient } from "../client/kafka-client.ts";
import type { KafkaService } from "../service.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { Coordinator } from "./coordinator.ts";
import { nativeGroupName } from "./group-name.ts";
import { GroupOffsets } from "./group-offsets.ts";

/**
 * Warns where another group has the name, as it is, as its native name and a position on the topic: whoever comes from another
 * client means that one, and starts a new one. Asks only where somebody listens. Never rejects: what cannot be asked is not warned of.
 */
export async function warnOfNamesake(
  { report }: Pick<KafkaService, "report">,
  client: KafkaClient,
  { topic, topicId, partitions }: TopicSnapshot,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  if (!report.wants("warning")) return;
  try {
    const committed = await new GroupOffsets(client, new Coordinator(client, group), group, topic, topicId).committed(partitions, signal);
    if (committed.size === 0) return;
  } catch {
    return;
  }
  const name = JSON.stringify(group);
  const text =
    `there is a native group of the name ${name} with positions on topic ${JSON.stringify(topic)}; ` +
    `the group ${name} is another one, ${JSON.stringify(nativeGroupName(topic, group, undefined))}, and does not go on from there. ` +
    `To use the native one, map it: groups: { ${name}: ${name} }`;
  report({ kind: "warning", topic, text });
}
