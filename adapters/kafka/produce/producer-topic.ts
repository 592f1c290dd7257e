import { performance } from "node:perf_hooks";
import type { StreamError } from "../../../src/driver/index.ts";
import { abortable } from "../client/waiting.ts";
import { classify, kafkaError } from "../errors.ts";
import { type TopicDirectory, type TopicSnapshot, noSuchPartition, partitionNumber } from "../topic-directory.ts";
import { murmur2 } from "./murmur2.ts";

/** Added partitions are noticed after so long at the latest. */
const LONGEST_AGE_MS = 300_000;

/** What a producer knows of its topic, and how it comes to know better. */
export class ProducerTopic {
  readonly #directory: TopicDirectory;
  readonly #name: string;
  readonly #closing = new AbortController();
  #known: TopicSnapshot | undefined;
  /** Names of the partitions, so that a lane costs no new text. */
  #names: readonly string[] = [];
  #generation = 0;
  #fetchedAtMs = 0;
  #refreshing: Promise<void> | undefined;
  #missing: StreamError | undefined;
  /** The server writes its own time over that of the producer. */
  hasAppendTime = false;

  constructor(directory: TopicDirectory, name: string) {
    this.#directory = directory;
    this.#name = name;
  }

  /** Rises when keys may have other lanes. */
  get generation(): number {
    return this.#generation;
  }

  /** That the last look found no such topic. */
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

  /** A partition that is not known may have been added: the call finds out, after another look. */
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

  /** Something was not as it was known. Looks in the background; the next call waits for it. */
  refreshInBackground(): void {
    this.#refreshing ??= this.fetch(this.#closing.signal)
      .catch((error: unknown) => {
        // What cannot be looked up now is looked up when it is needed again; only that the topic is gone is remembered.
        const known = classify(error);
        this.#missing = known.code === "not-found" ? known : undefined;
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
  }

  /** Resolves when a look that is under way has ended, by whatever. */
  async settled(signal: AbortSignal): Promise<void> {
    if (this.#missing !== undefined) this.refreshInBackground();
    if (this.#refreshing === undefined) {
      if (performance.now() - this.#fetchedAtMs > LONGEST_AGE_MS) this.refreshInBackground();
      return;
    }
    // An abort shows at the next step, which knows what it means there.
    await abortable(this.#refreshing, signal).catch(() => undefined);
  }

  close(): void {
    this.#closing.abort();
  }
}
