import { abortable } from "../../../src/adapter-kit/index.ts";
import { performance } from "node:perf_hooks";
import type { StreamError } from "../../../src/driver/index.ts";
import { classify, kafkaError } from "../errors.ts";
import { type TopicDirectory, type TopicSnapshot, noSuchPartition, partitionNumber } from "../topic-directory.ts";
import { murmur2 } from "./murmur2.ts";

/** The topic is looked up again after this time, so that added partitions are noticed. */
const MAX_AGE_MS = 300_000;

/** A producer's view of its topic, and its refresh. */
export class ProducerTopic {
  readonly #directory: TopicDirectory;
  readonly #name: string;
  readonly #closing = new AbortController();
  #known: TopicSnapshot | undefined;
  /** The names of the partitions, so that a lane needs no new string. */
  #names: readonly string[] = [];
  #generation = 0;
  #fetchedAtMs = 0;
  #refreshing: Promise<void> | undefined;
  #missing: StreamError | undefined;
  #hasAppendTime = false;

  constructor(directory: TopicDirectory, name: string) {
    this.#directory = directory;
    this.#name = name;
  }

  /** Rises when the lanes of keys may have changed. */
  get generation(): number {
    return this.#generation;
  }

  /** The server replaces the producer's timestamps with its own. */
  get hasAppendTime(): boolean {
    return this.#hasAppendTime;
  }

  /** The server has reported whose timestamps the topic stores. */
  timestampsKnown(hasAppendTime: boolean): void {
    this.#hasAppendTime = hasAppendTime;
  }

  /** The error of the last look-up, if it found no topic. */
  get missing(): StreamError | undefined {
    return this.#missing;
  }

  get known(): TopicSnapshot {
    if (this.#known === undefined) throw kafkaError("internal", "the producer was used before it was prepared", { topic: this.#name });
    return this.#known;
  }

  /** @throws `not-found` */
  async fetch(signal: AbortSignal): Promise<void> {
    this.#update(await this.#directory.fetch(this.#name, signal));
  }

  #update(topic: TopicSnapshot): void {
    const before = this.#known;
    this.#known = topic;
    this.#missing = undefined;
    this.#fetchedAtMs = performance.now();
    if (before?.topicId === topic.topicId && before.partitions.length === topic.partitions.length) return;
    this.#names = topic.partitions.map(String);
    this.#generation += 1;
  }

  /** An unknown partition may have been added, so it starts a refresh. The next call then decides. */
  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    if (toPartition !== undefined) {
      const partition = partitionNumber(toPartition);
      if (partition === null) throw noSuchPartition(this.known, toPartition);
      if (!this.known.partitions.includes(partition)) this.refreshInBackground();
      return this.nameOf(partition);
    }
    return key === null ? null : this.#names[murmur2(key) % this.#names.length]!;
  }

  nameOf(partition: number): string {
    return this.#names[partition] ?? String(partition);
  }

  /** Looks up the topic in the background, because the known state was wrong. The next call waits for the answer. */
  refreshInBackground(): void {
    this.#refreshing ??= this.fetch(this.#closing.signal)
      .catch((error: unknown) => {
        // Only a missing topic is remembered. After any other failure, the next use looks up the topic again.
        const known = classify(error);
        this.#missing = known.code === "not-found" ? known : undefined;
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
  }

  /** Resolves when a running look-up has ended, also after a failure. */
  async settled(signal: AbortSignal): Promise<void> {
    if (this.#missing !== undefined) this.refreshInBackground();
    if (this.#refreshing === undefined) {
      if (performance.now() - this.#fetchedAtMs > MAX_AGE_MS) this.refreshInBackground();
      return;
    }
    // The next step handles an abort.
    await abortable(this.#refreshing, signal).catch(() => undefined);
  }

  close(): void {
    this.#closing.abort();
  }
}
