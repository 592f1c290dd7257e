import { abortable } from "../abortable.ts";
import type { ReaderDriver, ResolvedRange } from "../driver/reader-driver.ts";
import { messageSource } from "../message.ts";
import { acceptGap } from "../position/accept-gap.ts";
import { isEmptyRange } from "../position/empty-range.ts";
import type { StartPoint } from "../position/place.ts";
import { type MessageSource, type TopicIdentity, requireSameTopic } from "../position/position.ts";
import { retriedCall } from "../retried-call.ts";
import { callOn } from "../topic-call.ts";
import type { TopicContext } from "../topic-context.ts";
import { RangeBuffer, type RangeBufferSettings } from "./range-buffer.ts";
import type { HandedOutListener, StartedPartition } from "./range-partitions.ts";
import type { ResolvedReaderOptions } from "./reader-options.ts";

/** A range that was resolved and checked against retention; nothing has been read yet. */
export interface OpenedRange {
  readonly identity: TopicIdentity;
  readonly partitions: readonly StartedPartition[];
  /** Shards that the starting bookmark says are finished. */
  readonly endedBefore: ReadonlySet<string>;
}

/**
 * Turns the options into places, then asks about every gap, before anything is read.
 * @throws `position-mismatch` · `position-out-of-range` · `invalid-argument`, and what the driver throws
 */
export async function openRange(
  context: TopicContext,
  options: ResolvedReaderOptions,
  reader: ReaderDriver,
  signal: AbortSignal,
): Promise<OpenedRange> {
  const { driver } = context;
  const { from, range } = await retriedCall(callOn(context, "read", signal), (attempt) => resolveRange(context, options, reader, attempt));
  const partitions: StartedPartition[] = [];
  for (const partition of range.partitions) {
    // Where nothing was asked for, nothing is missing.
    if (partition.gap === null || isEmptyRange(partition.start, partition.end, (a, b) => driver.compare(a, b))) {
      partitions.push({ range: partition, start: partition.start });
      continue;
    }
    await abortable(acceptGap("reader", sourceOf(context, range.identity, partition.partition), partition.gap, options.onGap), signal);
    partitions.push({ range: partition, start: partition.gap.resumesAt });
  }
  return { identity: range.identity, partitions, endedBefore: endedIn(from, options.partitions) };
}

async function resolveRange(
  { driver, provider, nativeTopic }: TopicContext,
  options: ResolvedReaderOptions,
  reader: ReaderDriver,
  signal: AbortSignal,
): Promise<{ readonly from: StartPoint; readonly range: ResolvedRange }> {
  let asked: Promise<TopicIdentity> | undefined;
  const identity = (): Promise<TopicIdentity> => (asked ??= driver.identity(nativeTopic, signal));
  const from = await options.from.resolve(identity);
  const until = await options.until.resolve(identity);
  const range = await reader.resolve({ from, until, partitions: options.partitions }, signal);
  // The topic may have been re-created since the tokens were held against it.
  if (asked !== undefined) requireSameTopic("bookmark", { provider, ...(await asked) }, provider, range.identity);
  return { from, range };
}

/** What reads the range. @param handedOut is told of each record that was handed out */
export function bufferOf(
  context: TopicContext,
  options: ResolvedReaderOptions,
  reader: ReaderDriver,
  { identity, partitions, endedBefore }: OpenedRange,
  handedOut: HandedOutListener | undefined,
): RangeBuffer {
  const { driver } = context;
  const settings: RangeBufferSettings = {
    reader,
    compare: (a, b) => driver.compare(a, b),
    sourceOf: (partition) => sourceOf(context, identity, partition),
    maxBufferedBytes: options.maxBufferedBytes,
    takesNewPartitions: options.endless && options.partitions === null,
    handedOut,
    gap: (partition, gap) => acceptGap("reader", sourceOf(context, identity, partition), gap, options.onGap),
    toError: (error) => context.toError(error, "read"),
  };
  return new RangeBuffer(settings, partitions, endedBefore);
}

function sourceOf({ provider, topic }: TopicContext, identity: TopicIdentity, partition: string): MessageSource {
  return messageSource({ provider, topic, partition, identity });
}

function endedIn(from: StartPoint, partitions: readonly string[] | null): ReadonlySet<string> {
  if (from.kind !== "places") return new Set();
  const ended = [...from.places].filter(([partition, place]) => place.kind === "ended" && (partitions?.includes(partition) ?? true));
  return new Set(ended.map(([partition]) => partition));
}
