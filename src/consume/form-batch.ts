import { keyTextOf } from "../codec/key-text.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import { type Lane, laneKeyOf } from "./key-lanes.ts";
import { type Entry, Work } from "./work.ts";

/**
 * The next batch of a partition. It holds its lanes where other batches could start meanwhile. `null`: nothing may start, or
 * the batch still waits to be filled; `wake` is called when that wait is over.
 */
export function formBatch<T>(state: AssignmentState<T>, options: ResolvedConsumerOptions, wake: () => void): Work<T> | null {
  if (waitsToFill(state, options, wake)) return null;
  const { lanes } = state;
  const { maxMessages } = options.batch;
  const entries: Entry[] = [];
  const work = new Work(state, entries);
  const held: Lane<T>[] | null = options.concurrency > 1 || lanes.size > 0 ? [] : null;
  if (held !== null) work.hold(held);
  while (entries.length < maxMessages) {
    const lane = lanes.takeFree(work);
    if (lane === null) break;
    held?.push(lane);
    entries.push(...lane.take(maxMessages - entries.length));
  }
  addFromInbox(work, entries, held, options);
  return entries.length === 0 ? null : work;
}

/** Takes messages in stored order. One whose lane belongs to other work waits in that lane instead. */
function addFromInbox<T>(work: Work<T>, entries: Entry[], held: Lane<T>[] | null, options: ResolvedConsumerOptions): void {
  const { state } = work;
  const { inbox, lanes, progress } = state;
  for (let delivery = inbox[0]; delivery !== undefined; delivery = inbox[0]) {
    if (delivery.isUnreadable) return;
    const { records } = delivery;
    while (delivery.next < records.length) {
      const ahead = delivery.ordinal + delivery.next - progress.oldestOrdinal;
      if (entries.length === options.batch.maxMessages || ahead > options.maxAhead) return;
      const index = delivery.takeNext();
      const record = records[index]!;
      const key = keyTextOf(record);
      const entry: Entry = { delivery, index, record, key, failures: 0 };
      const laneKey = held === null ? null : laneKeyOf(options.order, key);
      if (laneKey !== null) {
        const lane = lanes.get(laneKey);
        if (lane !== undefined && lane.owner !== work) {
          lane.add(entry);
          continue;
        }
        if (lane === undefined) held?.push(lanes.hold(laneKey, work));
      }
      entries.push(entry);
    }
    state.dropFirstDelivery();
  }
}

function waitsToFill<T>(state: AssignmentState<T>, options: ResolvedConsumerOptions, wake: () => void): boolean {
  const { maxMessages, maxWaitMs } = options.batch;
  const { inbox, lanes } = state;
  if (maxWaitMs === 0) return false;
  const available = inbox.reduce((sum, { records, next }) => sum + records.length - next, 0);
  // A batch ends before an unreadable range.
  const isFull = available >= maxMessages || inbox.some(({ isUnreadable }) => isUnreadable);
  if (isFull || state.waitedToFill || state.endReached || lanes.hasFree) {
    state.filled();
    return false;
  }
  if (available > 0) state.waitToFill(maxWaitMs, wake);
  return true;
}
