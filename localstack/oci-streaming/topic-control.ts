import { StreamError } from "../../src/errors.ts";
import { checkEmulatorTopic } from "../check-emulator-topic.ts";
import type { EmulatorTopic } from "../emulator.ts";
import { ServiceError } from "./server/service-error.ts";
import type { StreamingService } from "./streaming-service.ts";
import type { Stream } from "./streams/stream.ts";

/** Changes to topics without the API, for the program that runs the emulator. */

const HOUR_MS = 3_600_000;
const DEFAULT_RETENTION_HOURS = 24;

/** @throws `already-exists`, `invalid-argument` */
export function createTopic(service: StreamingService, name: string, settings: EmulatorTopic): void {
  checkEmulatorTopic(name, settings);
  const { partitions = 1, retentionMs = DEFAULT_RETENTION_HOURS * HOUR_MS } = settings;
  const retentionInHours = retentionMs / HOUR_MS;
  if (!Number.isInteger(retentionInHours)) {
    throw controlError("invalid-argument", name, `retentionMs is ${retentionMs}; allowed are whole hours, from 24 to 168`);
  }
  const streamPoolId = service.streams.defaultPool.id;
  try {
    service.streams.create({ name, partitions, retentionInHours, streamPoolId, freeformTags: {}, isActive: true });
  } catch (cause) {
    if (!(cause instanceof ServiceError)) throw cause;
    const code = cause.status === 409 ? "already-exists" : "invalid-argument";
    throw controlError(code, name, `topic ${JSON.stringify(name)} cannot be created: ${cause.message}`, cause);
  }
}

/** @param reads how many reads get the message damaged. @throws `not-found` · `invalid-argument` for a partition that does not exist or is empty */
export function damageLastMessage(service: StreamingService, name: string, partition: string, reads: number): void {
  const log = streamOf(service, name).partition(partition);
  if (log?.damageLast(reads) === true) return;
  const what = log === null ? "has no partition" : "has nothing stored in partition";
  throw controlError("invalid-argument", name, `topic ${JSON.stringify(name)} ${what} ${JSON.stringify(partition)}`);
}

/** @throws `not-found` */
export function streamOf(service: StreamingService, name: string): Stream {
  const stream = service.streams.named(name);
  if (stream === null) throw controlError("not-found", name, `there is no topic ${JSON.stringify(name)}`);
  return stream;
}

function controlError(
  code: "already-exists" | "invalid-argument" | "not-found",
  topic: string,
  what: string,
  cause?: unknown,
): StreamError {
  return new StreamError(code, `the emulated OCI Streaming: ${what}`, { provider: "oci-streaming", topic, cause });
}
