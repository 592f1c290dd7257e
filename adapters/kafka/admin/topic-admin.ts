import { pause } from "../../../src/adapter-kit/index.ts";
import { performance } from "node:perf_hooks";
import type { DriverTopicDescription, TopicSettings } from "../../../src/driver/index.ts";
import { NARROWING_SETTINGS, messageBytesOf } from "../capabilities.ts";
import { classify, kafkaError } from "../errors.ts";
import type { KafkaService } from "../service.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { change } from "./change.ts";

/** The server uses its default. */
const DEFAULT_COUNT = -1;
/** The time limit for a change to reach all brokers. */
const SETTLING_MS = 25_000;
const SETTLING_PAUSE_MS = 25;
const RETENTION = "retention.ms";
const CLEANUP = "cleanup.policy";

/** Creates, updates, deletes and describes topics. */
export class TopicAdmin {
  readonly #service: KafkaService;

  constructor(service: KafkaService) {
    this.#service = service;
  }

  async create(topic: string, { partitions, retentionMs }: TopicSettings, signal: AbortSignal): Promise<void> {
    const settings = new Map(retentionMs === undefined ? [] : [[RETENTION, String(retentionMs)]]);
    const request = { topic, partitions: partitions ?? DEFAULT_COUNT, replicationFactor: DEFAULT_COUNT, settings };
    const isUsable = (known: TopicSnapshot | null): boolean =>
      known !== null && hasAllLeaders(known) && known.partitions.length >= (partitions ?? 1);
    try {
      await this.#change(signal, (controller) => this.#service.client.createTopic(controller, request, signal));
    } catch (error) {
      // An earlier attempt may have created the topic, so it has to be usable as well.
      if (classify(error).code === "already-exists")
        await this.#waitUntil(topic, signal, (known) => known !== null && hasAllLeaders(known));
      throw error;
    }
    await this.#waitUntil(topic, signal, isUsable);
  }

  async update(topic: string, { partitions, retentionMs }: TopicSettings, signal: AbortSignal): Promise<void> {
    const { client, directory } = this.#service;
    const known = await directory.fetch(topic, signal);
    const count = known.partitions.length;
    if (partitions !== undefined && partitions < count) {
      throw kafkaError("unsupported", `a topic of Kafka cannot have fewer partitions; it has ${count}, wanted are ${partitions}`, {
        topic,
        capability: "partitionMerge",
      });
    }
    if (retentionMs !== undefined) {
      const settings = new Map([[RETENTION, String(retentionMs)]]);
      await this.#change(signal, (controller) => client.alterTopicConfig(controller, topic, settings, signal));
    }
    if (partitions !== undefined) {
      if (partitions > count) await this.#change(signal, (controller) => client.createPartitions(controller, topic, partitions, signal));
      await this.#waitUntil(topic, signal, (now) => now !== null && now.partitions.length >= partitions && hasAllLeaders(now));
    }
  }

  async delete(topic: string, signal: AbortSignal): Promise<void> {
    const { client, directory } = this.#service;
    const { topicId } = await directory.fetch(topic, signal);
    await this.#change(signal, (controller) => client.deleteTopic(controller, topic, signal));
    await this.#waitUntil(topic, signal, (known) => known === null || known.topicId !== topicId);
  }

  async describe(topic: string, signal: AbortSignal): Promise<DriverTopicDescription> {
    const known = await this.#service.directory.fetch(topic, signal);
    const settings = await this.settings(topic, signal);
    const retention = Number(settings.get(RETENTION) ?? -1);
    const deletesOldRecords = (settings.get(CLEANUP) ?? "delete").includes("delete");
    return {
      identity: known.identity,
      partitions: known.partitions.map(String),
      retentionMs: deletesOldRecords && retention >= 0 ? retention : null,
      maxMessageBytes: messageBytesOf(settings),
    };
  }

  /** Empty without the permission to see them. */
  async settings(topic: string, signal: AbortSignal): Promise<ReadonlyMap<string, string | null>> {
    try {
      return await this.#service.client.describeTopicConfig(topic, [RETENTION, CLEANUP, ...NARROWING_SETTINGS], signal);
    } catch (error) {
      if (signal.aborted || classify(error).code !== "permission-denied") throw error;
      return new Map();
    }
  }

  async list(signal: AbortSignal): Promise<string[]> {
    const { topics } = await this.#service.client.metadata(null, signal);
    return topics
      .filter(({ isInternal, errorCode }) => !isInternal && errorCode === 0)
      .map(({ topic }) => topic)
      .toSorted();
  }

  /** Sends one change to the controller. */
  async #change(signal: AbortSignal, request: (controller: number) => Promise<void>): Promise<void> {
    const { controllerId } = await this.#service.client.metadata([], signal);
    await change(() => request(controllerId));
  }

  /** Waits until the brokers know of a change that the controller has made. */
  async #waitUntil(topic: string, signal: AbortSignal, isSettled: (known: TopicSnapshot | null) => boolean): Promise<void> {
    const startedAtMs = performance.now();
    while (!isSettled(await this.#fetchIfThere(topic, signal))) {
      if (performance.now() - startedAtMs > SETTLING_MS) {
        throw kafkaError("timeout", "the change is accepted, but the cluster has not carried it out yet", { topic, retryable: false });
      }
      await pause(SETTLING_PAUSE_MS, signal);
      signal.throwIfAborted();
    }
  }

  async #fetchIfThere(topic: string, signal: AbortSignal): Promise<TopicSnapshot | null> {
    try {
      return await this.#service.directory.fetch(topic, signal);
    } catch (error) {
      const { code } = classify(error);
      // A topic that is being created has no partitions yet.
      if (signal.aborted || (code !== "not-found" && code !== "unavailable")) throw error;
      return null;
    }
  }
}

function hasAllLeaders({ partitions, leaderOf }: TopicSnapshot): boolean {
  return partitions.every((partition) => leaderOf(partition) >= 0);
}
