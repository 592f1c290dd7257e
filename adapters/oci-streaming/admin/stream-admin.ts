import { performance } from "node:perf_hooks";
import { change as changed, pause } from "../../../src/adapter-kit/index.ts";
import type { DriverTopicDescription, TopicSettings } from "../../../src/driver/index.ts";
import { MOST_MESSAGE_BYTES } from "../capabilities.ts";
import type { StreamCall } from "../client/stream-calls.ts";
import { OCI_ERRORS, classify, hasStatus, isCoded, mayBeDone, ociError, streamNotFound } from "../errors.ts";
import type { OciService } from "../service.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";

const HOUR_MS = 3_600_000;
/** https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm */
const RETENTION_HOURS = { least: 24, most: 168 } as const;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
/** Creating a stream takes some seconds. */
const SETTLING_MS = 300_000;

const RETRY = { errors: OCI_ERRORS, classify, mayBeDone };

/** The streams of the pool. */
export class StreamAdmin {
  readonly #service: OciService;

  constructor(service: OciService) {
    this.#service = service;
  }

  async create(topic: string, { partitions = 1, retentionMs }: TopicSettings, signal: AbortSignal): Promise<void> {
    const retentionInHours = retentionMs === undefined ? undefined : hoursOf(topic, retentionMs);
    const { streamPool: streamPoolId, directory } = this.#service;
    // The service does not always refuse a second stream of one name.
    if ((await this.#existing(topic, signal)) !== null) throw alreadyExists(topic);
    try {
      const body = JSON.stringify({ name: topic, partitions, retentionInHours, streamPoolId });
      await this.#change({ operation: "CreateStream", method: "POST", path: "/streams", body, topic }, signal);
    } catch (error) {
      if (!hasStatus(error, 409) || !isCoded(error, "Conflict")) throw error;
      if ((await this.#existing(topic, signal)) !== null) throw alreadyExists(topic, error);
      throw ociError("unavailable", "the former stream of this name was still being deleted", { topic, cause: error });
    } finally {
      directory.forget(topic);
    }
    await this.#untilActive(topic, signal);
  }

  /** Waits for one that is being created, or being deleted. */
  async #existing(topic: string, signal: AbortSignal): Promise<StreamSummary | null> {
    return this.#until(topic, signal, (found) => found === null || isActive(found));
  }

  async #change(call: StreamCall, signal: AbortSignal): Promise<void> {
    await changed(RETRY, () => this.#service.admin.send(call, signal));
  }

  async #untilActive(topic: string, signal: AbortSignal): Promise<void> {
    const found = await this.#until(topic, signal, (summary) => summary !== null && isActive(summary));
    if (found === null) throw streamNotFound(topic);
  }

  async #until(topic: string, signal: AbortSignal, isSettled: (found: StreamSummary | null) => boolean): Promise<StreamSummary | null> {
    const startedMs = performance.now();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const found = await this.#service.directory.find(topic, signal);
      if (isSettled(found)) return found;
      if (performance.now() - startedMs > SETTLING_MS) {
        throw ociError("timeout", "the change is accepted, but the service has not carried it out yet", { topic, retryable: false });
      }
      await pause(pauseMs, signal);
      signal.throwIfAborted();
    }
  }

  /** Both are fixed when a stream is created. */
  async update(topic: string, { partitions, retentionMs }: TopicSettings, signal: AbortSignal): Promise<void> {
    const { partitions: existing } = await this.#service.directory.usableNow(topic, signal);
    if (partitions !== undefined && partitions !== existing.length) {
      const capability = partitions > existing.length ? "partitionGrowth" : "partitionMerge";
      throw ociError("unsupported", "the number of partitions is fixed when a stream is created", { topic, capability });
    }
    if (retentionMs !== undefined) throw ociError("unsupported", "the retention is fixed when a stream is created", { topic });
  }

  async delete(topic: string, signal: AbortSignal): Promise<void> {
    const { directory } = this.#service;
    try {
      const { id } = await directory.usableNow(topic, signal);
      await this.#change({ operation: "DeleteStream", method: "DELETE", path: `/streams/${encodeURIComponent(id)}`, topic }, signal);
    } catch (error) {
      if (hasStatus(error, 404)) throw streamNotFound(topic, error);
      throw error;
    } finally {
      directory.forget(topic);
    }
    await this.#until(topic, signal, (found) => found === null);
  }

  async describe(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    const { directory } = this.#service;
    const { id, identity, partitions } = await directory.usableNow(topic, signal);
    const { retentionInHours } = await directory.describe(id, signal);
    const retentionMs = retentionInHours === undefined ? null : retentionInHours * HOUR_MS;
    return { identity, partitions, retentionMs, maxMessageBytes: MOST_MESSAGE_BYTES };
  }

  async list(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#service.directory.active(signal)).map(({ name }) => name).toSorted();
  }
}

function isActive({ state }: StreamSummary): boolean {
  return state === "ACTIVE" || state === "UPDATING";
}

function alreadyExists(topic: string, cause?: unknown) {
  return ociError("already-exists", `there is a stream ${JSON.stringify(topic)} already`, { topic, cause });
}

/** @throws `invalid-argument` */
function hoursOf(topic: string, retentionMs: number): number {
  const hours = retentionMs / HOUR_MS;
  const { least, most } = RETENTION_HOURS;
  if (Number.isInteger(hours) && hours >= least && hours <= most) return hours;
  throw ociError("invalid-argument", `retentionMs must be whole hours, from ${least} to ${most}; received ${retentionMs} ms`, { topic });
}
