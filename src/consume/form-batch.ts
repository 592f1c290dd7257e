import { clearTimeout, setTimeout } from "node:timers";
import { bytesToText } from "../text-bytes.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import { laneKeyOf } from "./key-lanes.ts";
import { type Entry, Work } from "./work.ts";

/**
 * The next batch of a partition, holding its lanes where other batches could start beside it. `null`: nothing may start, or
 * the batch is still being waited for; `wake` is called when the wait is over.
 */
export function formBatch<T>(state: AssignmentState<T>, options: ResolvedConsumerOptions, wake: () => void): Work<T> | null {
  if (waitsToFill(state, options, wake)) return null;
  const { lanes, inbox, progress } = state;
  const { maxMessages } = options.batch;
  const entries: Entry[] = [];
  const work = new Work(state, entries);
  if (options.concurrency > 1 || lanes.size > 0) work.lanes = [];
  while (entries.length < maxMessages) {
    const lane = lanes.takeFree(work);
    if (lane === null) break;
    work.lanes?.push(lane);
    entries.push(...lane.waiting.splice(0, maxMessages - entries.length));
  }
  for (let delivery = inbox[0]; delivery !== undefined; delivery = inbox[0]) {
    if (delivery.isUnreadable) return orNothing(work);
    const { records } = delivery;
    while (delivery.next < records.length) {
      const ahead = delivery.ordinal + delivery.next - progress.oldestOrdinal;
      if (entries.length === maxMessages || ahead > options.maxAhead) return orNothing(work);
      const index = delivery.next++;
      const record = records[index]!;
      const key = record.key === null ? null : bytesToText(record.key);
      const entry: Entry = { delivery, index, record, key, failures: 0 };
      const laneKey = work.lanes === null ? null : laneKeyOf(options.order, key);
      if (laneKey !== null) {
        const lane = lanes.get(laneKey);
        if (lane !== undefined && lane.owner !== work) {
          lane.waiting.push(entry);
          continue;
        }
        if (lane === undefined) work.lanes?.push(lanes.hold(laneKey, work));
      }
      entries.push(entry);
    }
    inbox.shift();
  }
  return orNothing(work);
}

function orNothing<T>(work: Work<T>): Work<T> | null {
  return work.entries.length === 0 ? null : work;
}

function waitsToFill<T>(state: AssignmentState<T>, options: ResolvedConsumerOptions, wake: () => void): boolean {
  const { maxMessages, maxWaitMs } = options.batch;
  const { inbox, batchWait, lanes } = state;
  if (maxWaitMs === 0) return false;
  const available = inbox.reduce((sum, { records, next }) => sum + records.length - next, 0);
  // Behind what cannot be read another batch begins.
  const isFull = available >= maxMessages || inbox.some(({ isUnreadable }) => isUnreadable);
  if (isFull || batchWait === "over" || state.endReached || lanes.hasFree) {
    if (typeof batchWait === "object" && batchWait !== null) clearTimeout(batchWait);
    state.batchWait = null;
    return false;
  }
  if (available > 0 && batchWait === null) {
    state.batchWait = setTimeout(() => {
      state.batchWait = "over";
      wake();
    }, maxWaitMs);
  }
  return true;
}
