import { type Report, isStreamError } from "../../../src/driver/index.ts";
import { RetryBackoff } from "../client/retry-backoff.ts";
import { pause } from "../client/waiting.ts";
import { topicNotFound } from "../errors.ts";
import type { TopicDirectory, TopicSnapshot } from "../topic-directory.ts";

const EVERY_MS = 3_000;
/** A server that has just started may not know all topics yet. */
const MISSING_MS = 3_000;
const MISSING_EVERY_MS = 200;

/** Keeps what a member knows of its topic up to date: added partitions, deletion. Leaders that move are found by whoever asks them. */
export class TopicWatch {
  readonly #directory: TopicDirectory;
  readonly #topic: string;
  readonly #backoff: RetryBackoff;
  readonly #changed: () => void;
  #known: TopicSnapshot | undefined;

  constructor(directory: TopicDirectory, topic: string, report: Report, changed: () => void) {
    this.#directory = directory;
    this.#topic = topic;
    this.#backoff = new RetryBackoff(report, topic);
    this.#changed = changed;
  }

  /** As it was last seen. Valid once `open` has resolved. */
  get known(): TopicSnapshot {
    return this.#known!;
  }

  /** The first look. @throws `not-found` · what cannot be retried */
  async open(signal: AbortSignal): Promise<TopicSnapshot> {
    for (;;) {
      try {
        this.#known = await this.#directory.fetch(this.#topic, signal);
        return this.#known;
      } catch (error) {
        await this.#backoff.failed("Metadata", error, signal);
      }
    }
  }

  /** Until the signal aborts. @throws `not-found` for a topic that was deleted, created again or not · the signal's reason */
  async run(signal: AbortSignal): Promise<never> {
    for (let missingForMs = 0; ;) {
      await pause(missingForMs === 0 ? EVERY_MS : MISSING_EVERY_MS, signal);
      signal.throwIfAborted();
      try {
        this.#take(await this.#directory.fetch(this.#topic, signal));
        this.#backoff.reset();
        missingForMs = 0;
      } catch (error) {
        if (!isStreamError(error, "not-found")) await this.#backoff.failed("Metadata", error, signal);
        else if (missingForMs >= MISSING_MS) throw error;
        else missingForMs += MISSING_EVERY_MS;
      }
    }
  }

  /** Who leads the partitions may be another one now. Where it cannot be asked, the next look finds out. Rejects with nothing else than the signal's reason. */
  async lookAgain(signal: AbortSignal): Promise<void> {
    try {
      this.#take(await this.#directory.fetch(this.#topic, signal));
    } catch {
      signal.throwIfAborted();
    }
  }

  #take(known: TopicSnapshot): void {
    const hasGrown = known.partitions.length > this.known.partitions.length;
    if (known.topicId !== this.known.topicId) {
      throw topicNotFound(this.#topic, new Error("the topic has been deleted, and another of the same name created"));
    }
    this.#known = known;
    if (hasGrown) this.#changed();
  }
}
