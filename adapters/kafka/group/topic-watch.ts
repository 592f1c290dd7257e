import { RetryBackoff, pause, retrying } from "../../../src/adapter-kit/index.ts";
import { type Report, isStreamError } from "../../../src/driver/index.ts";
import { classify, topicNotFound } from "../errors.ts";
import type { TopicDirectory, TopicSnapshot } from "../topic-directory.ts";

const LOOK_UP_INTERVAL_MS = 3_000;
/** A server that has just started may not know all topics yet. */
const MISSING_LIMIT_MS = 3_000;
const MISSING_INTERVAL_MS = 200;

/** Keeps a member's view of its topic current: added partitions, deletion. A request to a moved leader fails, so its sender finds the new leader. */
export class TopicWatch {
  readonly #directory: TopicDirectory;
  readonly #topic: string;
  readonly #backoff: RetryBackoff;
  readonly #partitionsAdded: () => void;
  #known: TopicSnapshot;

  private constructor(directory: TopicDirectory, known: TopicSnapshot, backoff: RetryBackoff, partitionsAdded: () => void) {
    this.#directory = directory;
    this.#topic = known.topic;
    this.#backoff = backoff;
    this.#partitionsAdded = partitionsAdded;
    this.#known = known;
  }

  /** Looks up the topic. @throws `not-found` · an error that is not retryable */
  static async open(
    directory: TopicDirectory,
    topic: string,
    report: Report,
    partitionsAdded: () => void,
    signal: AbortSignal,
  ): Promise<TopicWatch> {
    const backoff = new RetryBackoff({ report, topic, classify });
    const known = await retrying("Metadata", backoff, signal, () => directory.fetch(topic, signal));
    return new TopicWatch(directory, known, backoff, partitionsAdded);
  }

  /** The topic as the latest answer described it. */
  get known(): TopicSnapshot {
    return this.#known;
  }

  /** Looks up the topic regularly until the signal aborts. @throws `not-found` if the topic was deleted, or deleted and created again · the signal's reason */
  async run(signal: AbortSignal): Promise<never> {
    for (let missingForMs = 0; ;) {
      await pause(missingForMs === 0 ? LOOK_UP_INTERVAL_MS : MISSING_INTERVAL_MS, signal);
      signal.throwIfAborted();
      try {
        this.#update(await this.#directory.fetch(this.#topic, signal));
        this.#backoff.reset();
        missingForMs = 0;
      } catch (error) {
        if (!isStreamError(error, "not-found")) await this.#backoff.failed("Metadata", error, signal);
        else if (missingForMs >= MISSING_LIMIT_MS) throw error;
        else missingForMs += MISSING_INTERVAL_MS;
      }
    }
  }

  /** Looks up the topic now, because leaders may have moved. Ignores a failure: the next regular look-up follows. @throws only the signal's reason */
  async refresh(signal: AbortSignal): Promise<void> {
    try {
      this.#update(await this.#directory.fetch(this.#topic, signal));
    } catch {
      signal.throwIfAborted();
    }
  }

  #update(known: TopicSnapshot): void {
    const hasGrown = known.partitions.length > this.known.partitions.length;
    if (known.topicId !== this.known.topicId) {
      throw topicNotFound(this.#topic, new Error("the topic has been deleted, and another of the same name created"));
    }
    this.#known = known;
    if (hasGrown) this.#partitionsAdded();
  }
}
