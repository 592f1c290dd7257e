import { setImmediate } from "node:timers";
import type { Fetched, PartitionCursor } from "../../src/adapter-kit/index.ts";
import type { Feed } from "./broker/feed.ts";
import { childrenOf } from "./broker/partition.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { topicNotFound } from "./errors.ts";
import type { Service } from "./service.ts";

const FETCHES_PER_TURN = 16;

/** Fetches one partition from a feed. At the end of the log it waits until the feed has more. */
export class FeedCursor implements PartitionCursor {
  readonly #service: Service;
  readonly #topic: MemoryTopic;
  readonly #partition: string;
  readonly #feed: Feed;
  /** The version of the feed at the last fetch. */
  #seen = 0;
  #isAtEnd = false;
  #fetched = 0;

  constructor(service: Service, topic: MemoryTopic, partition: string, feed: Feed) {
    this.#service = service;
    this.#topic = topic;
    this.#partition = partition;
    this.#feed = feed;
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    const call = { kind: "fetch", operation: "fetch", topic: this.#topic.name, partitions: [this.#partition], bytes: 0 } as const;
    const { quietMs, capabilities } = this.#service.profile;
    const { changed } = this.#feed;
    for (;;) {
      if (this.#isAtEnd) await changed.wait(this.#seen, signal);
      const answer = await this.#service.retrying(call, signal, () => {
        if (this.#topic.deleted) throw topicNotFound(this.#topic.name);
        this.#seen = changed.version;
        return this.#feed.next();
      });
      this.#isAtEnd = false;
      if (answer.kind === "ended") return { kind: "ended", children: childrenOf(this.#topic.partitions.get(this.#partition)!) };
      if (answer.kind === "records") {
        if (!capabilities.nativeHeaders) for (const record of answer.records) record.hideHeaders();
        this.#fetched += 1;
        // With a real service, other work runs while its answer is on the way.
        if (this.#fetched % FETCHES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      if (answer.kind !== "caught-up") return answer;
      if (quietMs > 0 && (await changed.wait(this.#seen, signal, quietMs))) continue;
      signal.throwIfAborted();
      this.#isAtEnd = true;
      return { kind: "caught-up", emptyUntilMs: null };
    }
  }

  async close(): Promise<void> {}
}
