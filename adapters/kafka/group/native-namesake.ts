import type { KafkaClient } from "../client/kafka-client.ts";
import type { KafkaService } from "../service.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { Coordinator } from "./coordinator.ts";
import { nativeGroupName } from "./group-name.ts";
import { GroupOffsets } from "./group-offsets.ts";

/**
 * Warns if a group with this very native name has offsets on the topic. A user who comes from another client probably means that
 * group, but the consumer starts a new one. Looks only if the application listens to warnings. Never rejects: if the look-up fails,
 * there is no warning.
 */
export async function warnOfNamesake(
  { report, metadataBound }: Pick<KafkaService, "report" | "metadataBound">,
  client: KafkaClient,
  known: TopicSnapshot,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  if (!report.wants("warning")) return;
  const { topic, partitions } = known;
  try {
    const offsets = new GroupOffsets(client, new Coordinator(client, group), group, known, metadataBound);
    const committed = await offsets.committed(partitions, signal);
    if (committed.size === 0) return;
  } catch {
    return;
  }
  const name = JSON.stringify(group);
  const text =
    `there is a native group of the name ${name} with positions on topic ${JSON.stringify(topic)}; ` +
    `the group ${name} is a different one, ${JSON.stringify(nativeGroupName(topic, group, undefined))}, and does not start at those positions. ` +
    `To use the native group, map it: groups: { ${name}: ${name} }`;
  report({ kind: "warning", topic, text });
}
