import { StreamError, type StreamErrorCode } from "../../../../src/errors.ts";
import { checkEmulatorTopic } from "../../../check-emulator-topic.ts";
import type { EmulatorTopic } from "../../../emulator.ts";
import type { Cluster } from "../cluster.ts";
import { ErrorCode, Refusal } from "../error-code.ts";
import { compact } from "../log/compaction.ts";
import type { Partition } from "./partition.ts";
import type { Topic } from "./topic.ts";

/** Changes to topics without the protocol, for the program that runs the emulator. */

/** @param kafkaSettings by Kafka's own names. @throws `already-exists`, `invalid-argument` */
export function createTopic(
  cluster: Cluster,
  name: string,
  topicSettings: EmulatorTopic,
  kafkaSettings: Readonly<Record<string, string>>,
): void {
  checkEmulatorTopic(name, topicSettings);
  const { partitions, retentionMs } = topicSettings;
  const settings = new Map(Object.entries(kafkaSettings));
  if (retentionMs !== undefined) settings.set("retention.ms", String(retentionMs));
  try {
    cluster.topics.create({ name, partitions: partitions ?? null, replicationFactor: null, assignment: null, settings }, Date.now());
    cluster.electLeaders();
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    const code = cause.errorCode === ErrorCode.topicAlreadyExists ? "already-exists" : "invalid-argument";
    throw controlError(code, name, `topic ${JSON.stringify(name)} cannot be created: ${cause.message}`, cause);
  }
}

/** @throws `not-found` */
export function compactTopic(cluster: Cluster, name: string): void {
  for (const { log } of topicNamed(cluster, name).partitions) compact(log, { upTo: log.lastStableOffset, removesTombstone: () => true });
}

/** Deletes everything that is stored now, the newest segment too. @throws `not-found` */
export function expireTopic(cluster: Cluster, name: string): void {
  for (const { log } of topicNamed(cluster, name).partitions) {
    if (log.startOffset === log.endOffset) continue;
    log.roll(Date.now());
    log.deleteBefore(log.endOffset);
  }
}

/** @param times how many reads get the batch damaged. @throws `not-found` · `invalid-argument` for a partition that does not exist or is empty */
export function damageLastBatch(cluster: Cluster, name: string, partition: string, times: number): void {
  const log = topicNamed(cluster, name).partitions.find(({ index }) => String(index) === partition)?.log;
  const last = log?.segments.flatMap(({ batches }) => batches).at(-1);
  if (log === undefined || last === undefined) {
    const what = log === undefined ? "has no partition" : "has nothing stored in partition";
    throw controlError("invalid-argument", name, `topic ${JSON.stringify(name)} ${what} ${JSON.stringify(partition)}`);
  }
  log.damage.add(last.baseOffset, times);
}

/** @param nodeId absent: another replica. @throws `not-found`, `conflict` if that broker cannot lead the partition */
export function moveLeader(cluster: Cluster, name: string, index: number, nodeId?: number): void {
  const partition = partitionOf(cluster, name, index);
  const candidates = cluster.inSyncReplicas(partition);
  const next = nodeId ?? candidates.find((replica) => replica !== partition.leaderId);
  if (next === undefined || !candidates.includes(next)) {
    const allowed = `its replicas that are up are ${candidates.join(", ")}`;
    throw controlError("conflict", name, `broker ${next ?? "none"} cannot lead partition ${index}: ${allowed}`);
  }
  partition.lead(next);
}

/** @throws `not-found`, `conflict` if no replica is up */
export function truncateLog(cluster: Cluster, name: string, index: number, offset: bigint): void {
  const partition = partitionOf(cluster, name, index);
  const candidates = cluster.inSyncReplicas(partition);
  const next = candidates.find((replica) => replica !== partition.leaderId) ?? candidates[0];
  if (next === undefined) throw controlError("conflict", name, `no replica of partition ${index} is up`);
  partition.leadWithout(offset, next);
}

function partitionOf(cluster: Cluster, name: string, index: number): Partition {
  const partition = topicNamed(cluster, name).partitions[index];
  if (partition === undefined) throw controlError("not-found", name, `topic ${JSON.stringify(name)} has no partition ${index}`);
  return partition;
}

function topicNamed(cluster: Cluster, name: string): Topic {
  const topic = cluster.topics.get(name);
  if (topic === undefined) throw controlError("not-found", name, `there is no topic ${JSON.stringify(name)}`);
  return topic;
}

function controlError(code: StreamErrorCode, topic: string, message: string, cause?: unknown): StreamError {
  return new StreamError(code, `the emulated Kafka: ${message}`, { provider: "kafka", topic, cause });
}
