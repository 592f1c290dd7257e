import { setImmediate } from "node:timers";
import type { DriverGap, UnreadableRange } from "../../src/driver/index.ts";
import type { Feed } from "./broker/feed.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { topicNotFound } from "./errors.ts";
import type { MemoryRecord } from "./records.ts";
import type { Service } from "./service.ts";

const FETCHES_PER_TURN = 16;

/** Receives what a feed has. The answer `false` ends the reading. */
export interface Follower {
  deliver(records: MemoryRecord[]): Promise<boolean>;
  /** The next records cannot be read. */
  unreadable(range: UnreadableRange): Promise<boolean>;
  caughtUp(): boolean;
  /** The log has no record up to and including this position. */
  advanced(through: string): boolean;
  /** The answer `true` continues after the gap. */
  gap(gap: DriverGap): Promise<boolean>;
  ended(): void;
}

/**
 * Fetches one partition and passes its records on, until the follower has enough, the partition has ended, or `signal`
 * aborts. At the end of the log it waits until it is woken. Readers and members use the same loop.
 * @throws errors that cannot be retried
 */
export async function follow(
  service: Service,
  topic: MemoryTopic,
  partition: string,
  feed: Feed,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  const call = { kind: "fetch", operation: "fetch", topic: topic.name, partitions: [partition], bytes: 0 } as const;
  const { quietMs, capabilities } = service.profile;
  const { nativeHeaders } = capabilities;
  let seen = 0;
  let fetched = 0;
  while (!signal.aborted) {
    const answer = await service.retrying(call, signal, () => {
      if (topic.deleted) throw topicNotFound(topic.name);
      seen = feed.changed.version;
      return signal.aborted ? null : feed.next();
    });
    if (answer === null) return;
    if (answer.kind === "records") {
      fetched += 1;
      if (!nativeHeaders) for (const record of answer.records) record.hideHeaders();
      // With a real service, other work runs while its answer is on the way.
      if (fetched % FETCHES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (!(await follower.deliver(answer.records))) return;
    } else if (answer.kind === "unreadable") {
      if (!(await follower.unreadable(answer.range))) return;
    } else if (answer.kind === "gap") {
      if (!(await follower.gap(answer.gap))) return;
    } else if (answer.kind === "advanced") {
      if (!follower.advanced(answer.through)) return;
    } else if (answer.kind === "ended") {
      follower.ended();
      return;
    } else {
      if (quietMs > 0 && (await feed.changed.wait(seen, signal, quietMs))) continue;
      if (signal.aborted || !follower.caughtUp()) return;
      await feed.changed.wait(seen, signal);
    }
  }
}
