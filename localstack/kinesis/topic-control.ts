import { StreamError, type StreamErrorCode } from "../../src/errors.ts";
import { checkEmulatorTopic } from "../check-emulator-topic.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { checkMembers, requiredStreamName } from "./requests/members.ts";
import { DEFAULT_RECORD_KIB, DEFAULT_RETENTION_HOURS, HOUR_MS } from "./requests/stream-settings.ts";
import type { Service } from "./service.ts";
import { ServiceError } from "./service-error.ts";
import { scaleTo } from "./streams/resharding.ts";
import type { Stream } from "./streams/stream.ts";

/** Changes to streams without the protocol, for the program that runs the emulator. */

const DEFAULT_SHARDS = 1;

/** It is ACTIVE at once. @throws `already-exists`, `invalid-argument` */
export function createTopic({ streams }: Service, name: string, settings: EmulatorTopic): void {
  checkEmulatorTopic(name, settings);
  const { partitions: shardCount = DEFAULT_SHARDS, retentionMs = DEFAULT_RETENTION_HOURS * HOUR_MS } = settings;
  try {
    checkMembers({ StreamName: requiredStreamName }, { StreamName: name });
    streams.create(
      { name, shardCount, mode: "PROVISIONED", retentionMs, maxRecordKiB: DEFAULT_RECORD_KIB, distribution: "USER_PARTITION_KEY" },
      0,
    );
  } catch (cause) {
    if (!(cause instanceof ServiceError)) throw cause;
    const code = cause.type === "ResourceInUseException" ? "already-exists" : "invalid-argument";
    throw controlError(code, name, `topic ${JSON.stringify(name)} cannot be created: ${cause.message}`, cause);
  }
}

/** @throws `not-found` */
export function expireTopic(service: Service, name: string): void {
  streamNamed(service, name).expire();
}

/** @throws `not-found` */
export function reshardTopic(service: Service, name: string, partitions: number): void {
  scaleTo(streamNamed(service, name), partitions);
}

/** @param times how many reads get the record damaged. @throws `not-found` · `invalid-argument` for a shard that does not exist or is empty */
export function damageLastRecord(service: Service, name: string, partition: string, times: number): void {
  const shard = streamNamed(service, name).shard(partition);
  if (shard !== undefined && shard.next > shard.first) {
    shard.damage.add(shard.next - 1, times);
    return;
  }
  const what = shard === undefined ? "has no partition" : "has nothing stored in partition";
  throw controlError("invalid-argument", name, `topic ${JSON.stringify(name)} ${what} ${JSON.stringify(partition)}`);
}

function streamNamed({ streams }: Service, name: string): Stream {
  const stream = streams.find(name);
  if (stream === undefined) throw controlError("not-found", name, `there is no topic ${JSON.stringify(name)}`);
  return stream;
}

function controlError(code: StreamErrorCode, topic: string, message: string, cause?: unknown): StreamError {
  return new StreamError(code, `the emulated Kinesis: ${message}`, { provider: "kinesis", topic, cause });
}
