import type { ListStreamsOutput } from "@aws-sdk/client-kinesis";
import { performance } from "node:perf_hooks";
import { change as changed, pause } from "../../../src/adapter-kit/index.ts";
import type { DriverTopicDescription, StreamError, TopicSettings } from "../../../src/driver/index.ts";
import { messageBytesOf } from "../capabilities.ts";
import type { KinesisSdk } from "../client/sdk.ts";
import { KINESIS_ERRORS, classify, isNamed, kinesisError, mayBeDone, streamNotFound } from "../errors.ts";
import type { KinesisService } from "../service.ts";
import { isArn, streamNameOf, streamOf } from "../stream-name.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";

const HOUR_MS = 3_600_000;
/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html */
const RETENTION_HOURS = { least: 24, most: 8_760 } as const;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
/** Creating a stream takes half a minute, resharding some minutes. */
const SETTLING_MS = 600_000;

const RETRY = { errors: KINESIS_ERRORS, classify, mayBeDone };

/** The streams of the account and region. */
export class StreamAdmin {
  readonly #service: KinesisService;
  /** Streams that this connection has begun to create, and whose settings are not complete. */
  readonly #begun = new Set<string>();

  constructor(service: KinesisService) {
    this.#service = service;
  }

  /** Without a number of partitions the stream is on demand. */
  async create(topic: string, { partitions, retentionMs }: TopicSettings, signal: AbortSignal): Promise<void> {
    if (isArn(topic)) throw kinesisError("invalid-argument", "a stream is created by its name, not by an ARN", { topic });
    const hours = retentionMs === undefined ? undefined : retentionHours(topic, retentionMs);
    const mode = partitions === undefined ? "ON_DEMAND" : "PROVISIONED";
    const shards = partitions === undefined ? {} : { ShardCount: partitions };
    let isOurs = this.#begun.delete(topic);
    try {
      await this.#change(
        topic,
        "CreateStream",
        signal,
        ({ CreateStreamCommand }) => new CreateStreamCommand({ StreamName: topic, StreamModeDetails: { StreamMode: mode }, ...shards }),
      );
      isOurs = true;
    } catch (error) {
      if (!isNamed(error, "ResourceInUseException")) {
        if (mayBeDone(error)) this.#begun.add(topic);
        throw error;
      }
    }
    if (!isOurs) throw await this.#existing(topic, signal);
    this.#begun.add(topic);
    await this.#untilActive(topic, signal);
    if (hours !== undefined) await this.#retain(topic, hours, signal);
    this.#begun.delete(topic);
  }

  /** Why a stream could not be created, once the one that has the name can be relied on or is gone. */
  async #existing(topic: string, signal: AbortSignal): Promise<StreamError> {
    const existing = await this.#until(topic, signal, (found) => found === null || found.isActive);
    if (existing === null) return kinesisError("unavailable", "the former stream of this name was still being deleted", { topic });
    return kinesisError("already-exists", `there is a stream ${JSON.stringify(topic)} already`, { topic });
  }

  /** By the directory's name of the request; a change makes what was known of the stream old. */
  async #change(topic: string, operation: string, signal: AbortSignal, command: (sdk: KinesisSdk) => object): Promise<void> {
    this.#service.directory.forget(topic);
    try {
      await changed(RETRY, () => this.#service.connection.kinesis(command, { operation, topic }, signal));
    } catch (error) {
      if (isNamed(error, "ResourceNotFoundException")) throw streamNotFound(topic, error);
      throw error;
    } finally {
      this.#service.directory.forget(topic);
    }
  }

  /** @throws `not-found` */
  async #untilActive(topic: string, signal: AbortSignal): Promise<StreamSummary> {
    const summary = await this.#until(topic, signal, (found) => found?.isActive === true);
    if (summary === null) throw streamNotFound(topic);
    return summary;
  }

  async #until(topic: string, signal: AbortSignal, isSettled: (found: StreamSummary | null) => boolean): Promise<StreamSummary | null> {
    const startedMs = performance.now();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const found = await this.#service.directory.describe(topic, signal).catch((error: unknown) => {
        if (signal.aborted || classify(error).code !== "not-found") throw error;
        return null;
      });
      if (isSettled(found)) {
        this.#service.directory.forget(topic);
        return found;
      }
      if (performance.now() - startedMs > SETTLING_MS) {
        throw kinesisError("timeout", "the change is accepted, but the service has not carried it out yet", { topic, retryable: false });
      }
      await pause(pauseMs, signal);
      signal.throwIfAborted();
    }
  }

  async update(topic: string, { partitions, retentionMs }: TopicSettings, signal: AbortSignal): Promise<void> {
    const hours = retentionMs === undefined ? undefined : retentionHours(topic, retentionMs);
    const summary = await this.#service.directory.describe(topic, signal);
    if (partitions !== undefined && summary.isOnDemand) {
      const text = "the stream is on demand: the service itself decides about its shards";
      throw kinesisError("unsupported", text, {
        topic,
        capability: partitions > summary.openShards ? "partitionGrowth" : "partitionMerge",
      });
    }
    if (hours !== undefined) {
      await this.#untilActive(topic, signal);
      await this.#retain(topic, hours, signal);
    }
    if (partitions !== undefined) await this.#reshard(topic, partitions, signal);
  }

  /** At most to the double and to the half in one step: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html */
  async #reshard(topic: string, wanted: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { openShards } = await this.#untilActive(topic, signal);
      if (openShards === wanted) return;
      const target = Math.min(Math.max(wanted, Math.ceil(openShards / 2)), openShards * 2);
      try {
        await this.#change(
          topic,
          "UpdateShardCount",
          signal,
          ({ UpdateShardCountCommand }) =>
            new UpdateShardCountCommand({ ...streamOf(topic), TargetShardCount: target, ScalingType: "UNIFORM_SCALING" }),
        );
      } catch (error) {
        // Another change began in between.
        if (!isNamed(error, "ResourceInUseException")) throw error;
      }
    }
  }

  async #retain(topic: string, hours: number, signal: AbortSignal): Promise<void> {
    const { retentionMs } = await this.#untilActive(topic, signal);
    const input = { ...streamOf(topic), RetentionPeriodHours: hours };
    if (hours * HOUR_MS > retentionMs) {
      await this.#change(topic, "IncreaseStreamRetentionPeriod", signal, (sdk) => new sdk.IncreaseStreamRetentionPeriodCommand(input));
    } else if (hours * HOUR_MS < retentionMs) {
      await this.#change(topic, "DecreaseStreamRetentionPeriod", signal, (sdk) => new sdk.DecreaseStreamRetentionPeriodCommand(input));
    }
    await this.#until(topic, signal, (found) => found === null || (found.isActive && found.retentionMs === hours * HOUR_MS));
  }

  async delete(topic: string, signal: AbortSignal): Promise<void> {
    const before = await this.#service.directory.describe(topic, signal);
    if (before.status === "DELETING") {
      await this.#untilGone(topic, before, signal);
      throw streamNotFound(topic);
    }
    await this.#change(
      topic,
      "DeleteStream",
      signal,
      ({ DeleteStreamCommand }) => new DeleteStreamCommand({ ...streamOf(topic), EnforceConsumerDeletion: true }),
    );
    await this.#untilGone(topic, before, signal);
  }

  async #untilGone(topic: string, before: StreamSummary, signal: AbortSignal): Promise<void> {
    await this.#until(topic, signal, (found) => found === null || found.identity.incarnation !== before.identity.incarnation);
  }

  async describe(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    const { directory, envelopeOf } = this.#service;
    await directory.usable(topic, signal);
    const [summary, shards] = await Promise.all([directory.describe(topic, signal), directory.shards(topic, signal)]);
    return {
      identity: summary.identity,
      partitions: shards.map(({ partition }) => partition),
      openPartitions: shards.filter(({ isOpen }) => isOpen).length,
      retentionMs: summary.retentionMs,
      maxMessageBytes: messageBytesOf({ envelope: envelopeOf(topic), recordBytes: summary.recordBytes }),
    };
  }

  async list(signal: AbortSignal): Promise<readonly string[]> {
    const names: string[] = [];
    let hasMore = true;
    while (hasMore) {
      const from = names.at(-1);
      const page = await this.#service.connection.kinesis<ListStreamsOutput>(
        ({ ListStreamsCommand }) => new ListStreamsCommand(from === undefined ? {} : { ExclusiveStartStreamName: from }),
        { operation: "ListStreams" },
        signal,
      );
      names.push(...(page.StreamNames ?? []));
      hasMore = page.HasMoreStreams === true && (page.StreamNames ?? []).length > 0;
    }
    return names;
  }
}

/** @throws `unsupported` for a time that the service does not keep */
function retentionHours(topic: string, retentionMs: number): number {
  const hours = retentionMs / HOUR_MS;
  const { least, most } = RETENTION_HOURS;
  if (Number.isInteger(hours) && hours >= least && hours <= most) return hours;
  const text = `retentionMs of ${JSON.stringify(streamNameOf(topic))} must be whole hours from ${least} to ${most}; received ${retentionMs} ms`;
  throw kinesisError("unsupported", text, { topic });
}
