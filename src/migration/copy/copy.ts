import { setTimeout as sleep } from "node:timers/promises";
import { openRecordConsumer } from "../../consume/record-consumer.ts";
import type { RecordContext, RecordHandler } from "../../consume/record-handler.ts";
import type { StoredRecord } from "../../driver/record.ts";
import { StreamError, isStreamError } from "../../errors.ts";
import type { MessageSource } from "../../position/position.ts";
import { ignoreRejection } from "../../promise-like.ts";
import { sideCall } from "../side-call.ts";
import { groupLag } from "../group-lag.ts";
import { firstRecord } from "../records-from.ts";
import { RecordDigests } from "../digest/record-digests.ts";
import { type OpenSide, type Side, openSide } from "../side.ts";
import { CopyCount } from "./copy-count.ts";
import { CopyEnd } from "./copy-end.ts";
import { type CopyOptions, type CopyResult, type ResolvedCopyOptions, requireTwoTopics, resolveCopyOptions } from "./copy-options.ts";
import { HeldMessagesReader } from "./held-messages.ts";
import { type CopierParts, PartitionCopy } from "./partition-copy.ts";
import { startPartition } from "./partition-start.ts";
import { RateLimit } from "./rate-limit.ts";
import { SourcePartitions } from "./source-partitions.ts";
import { TargetWriter } from "./target-writer.ts";

const PROGRESS_EVERY_MS = 1_000;
/** Partitions at once: all of them. */
const ALL = 100_000;

/**
 * Copies messages with their keys, headers and times, as a member of a group on the source. May run in several processes at once, and goes on
 * where a former one has stopped, also after it was killed.
 * @throws `invalid-argument` · `not-found` · `unsupported` and `too-large` for a message that the target cannot take as it is: everything before it
 * in its partition is copied · `position-out-of-range` for messages that retention has removed before they were copied, for a log that was cut, and where the
 * target has lost a message that lies before one of its key that it holds · `position-mismatch` for a topic that was created anew · `conflict` where partitions
 * were added to a side in which they move keys · what the drivers throw
 */
export async function copy(source: Side, target: Side, options: CopyOptions = {}): Promise<CopyResult> {
  const resolved = resolveCopyOptions(source, target, options);
  const signal = resolved.signal ?? undefined;
  signal?.throwIfAborted();
  const from = await openSide(source, "copy", signal);
  const to = await openSide(target, "copy", signal);
  requireTwoTopics(from.id, to.id, source.topic);
  return await new Copier(from, to, resolved).run();
}

/** One member of a copy. */
class Copier implements RecordHandler {
  readonly #source: OpenSide;
  readonly #target: OpenSide;
  readonly #options: ResolvedCopyOptions;
  readonly #parts: Omit<CopierParts, "sourcePartitions">;
  readonly #held: HeldMessagesReader;
  readonly #count = new CopyCount();
  /** By ownership. One is missing until its first batch, and after a failure. */
  readonly #partitions = new Map<MessageSource, PartitionCopy>();
  readonly #life = new AbortController();
  #end: CopyEnd | null = null;
  #sourcePartitions: SourcePartitions | null = null;
  readonly #endReached = Promise.withResolvers<void>();

  constructor(source: OpenSide, target: OpenSide, options: ResolvedCopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    const writer = new TargetWriter(target, { mayReorder: options.mayReorder });
    const digests = new RecordDigests(source, target);
    this.#held = new HeldMessagesReader(source, target, digests, this.#life.signal, writer);
    this.#parts = {
      sourceId: source.id,
      target,
      writer,
      digests,
      limit: new RateLimit(options.ratePerSecond),
      count: this.#count,
      checkpoints: options.checkpoints,
      checkpointEveryMs: options.checkpointEveryMs,
      compare: source.compare,
    };
  }

  async run(): Promise<CopyResult> {
    const { writer } = this.#parts;
    const { signal } = this.#life;
    const stop = (): void => this.#endReached.resolve();
    this.#options.signal?.addEventListener("abort", stop, { once: true });
    try {
      // Until the copy is a member nothing is under way that would have to be finished.
      const beginning = this.#options.signal === null ? signal : AbortSignal.any([signal, this.#options.signal]);
      await writer.prepare(beginning);
      this.#sourcePartitions = await SourcePartitions.look(this.#source, this.#target, writer, this.#options.checkpoints, beginning);
      if (!this.#options.continuous) this.#end = await CopyEnd.ofNow(this.#source, beginning);
      beginning.throwIfAborted();
      await this.#consume();
      const lag = await this.#lag(signal);
      this.#report(lag, []);
      return { copied: this.#count.copied, duplicates: this.#count.duplicates, lag };
    } catch (error) {
      throw causeOf(error);
    } finally {
      this.#options.signal?.removeEventListener("abort", stop);
      this.#life.abort(new StreamError("closed", "the copy has ended", { operation: "copy" }));
      await writer.close();
    }
  }

  async #consume(): Promise<void> {
    const { group, batchMessages, checkpointEveryMs, sessionTimeoutMs, onGap } = this.#options;
    const consumer = openRecordConsumer(
      this.#source.context,
      {
        group,
        sessionTimeoutMs,
        concurrency: ALL,
        // An interruption waits for the batches that are under way: they are no larger than what may be sent at once.
        batch: { maxMessages: Math.min(batchMessages, this.#parts.limit.most) },
        commit: { everyMs: Math.max(1, checkpointEveryMs), everyMessages: 100_000 },
        retry: { maxAttempts: 5, retryable: mayPass },
        onGap,
        onRevoked: (partitions) => this.#finish(partitions),
      },
      this,
    );
    const running = consumer.run();
    const over = running.then(
      () => undefined,
      () => undefined,
    );
    if (this.#end?.isReached === true) this.#endReached.resolve();
    const watching = this.#watch(() => consumer.assigned, over);
    await Promise.race([over, this.#endReached.promise]);
    await consumer.close();
    this.#endReached.resolve();
    await watching;
    await running;
  }

  /** Batches of one partition come one after the other. */
  async handle(records: readonly StoredRecord[], context: RecordContext): Promise<void> {
    const { source } = context;
    try {
      const sourcePartitions = this.#sourcePartitions!;
      sourcePartitions.requireKnown(source, records);
      let partition = this.#partitions.get(source);
      if (partition === undefined) {
        const { checkpoints, onGap } = this.#options;
        const { digests } = this.#parts;
        const parts = { source: this.#source, target: this.#target, checkpoints, held: this.#held, digests, onGap };
        const start = await startPartition(parts, context, this.#life.signal);
        partition = new PartitionCopy({ ...this.#parts, sourcePartitions }, source, start);
        this.#forgetFormer(source);
        this.#partitions.set(source, partition);
      }
      await partition.copy(records, context);
    } catch (error) {
      // What became of the batch is not known: the next attempt begins by finding out.
      this.#partitions.delete(source);
      throw error;
    }
    this.#end?.copied(source.partition, records.at(-1)!.position);
    this.#endIfReached();
  }

  caughtUp({ partition }: MessageSource): void {
    this.#end?.reached(partition);
    this.#endIfReached();
  }

  ended({ partition }: MessageSource): void {
    this.#end?.reached(partition);
    this.#endIfReached();
  }

  #endIfReached(): void {
    if (this.#end?.isReached === true) this.#endReached.resolve();
  }

  #forgetFormer({ partition }: MessageSource): void {
    for (const source of this.#partitions.keys()) if (source.partition === partition) this.#partitions.delete(source);
  }

  /** Their handlers have settled. */
  async #finish(partitions: readonly string[]): Promise<void> {
    for (const [source, copied] of this.#partitions) {
      if (!partitions.includes(source.partition)) continue;
      this.#partitions.delete(source);
      await copied.finish(this.#life.signal);
    }
  }

  /** Tells the progress, and looks whether other members have done the rest. Never rejects. */
  async #watch(assigned: () => readonly string[], over: Promise<void>): Promise<void> {
    const stop = new AbortController();
    void Promise.race([over, this.#endReached.promise]).then(() => stop.abort());
    while (!stop.signal.aborted) {
      await ignoreRejection(sleep(PROGRESS_EVERY_MS, undefined, { signal: stop.signal }));
      if (stop.signal.aborted) return;
      await ignoreRejection(this.#look(assigned(), stop.signal));
    }
  }

  async #look(assigned: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.#options.onProgress !== undefined) this.#report(await this.#lag(signal), assigned);
    if (this.#end === null || this.#end.open.some((partition) => assigned.includes(partition))) return;
    const { context } = this.#source;
    const { places } = await sideCall(context, "copy", signal, (attempt) =>
      context.driver.admin.describeGroup(context.nativeTopic, context.checkedGroup(this.#options.group), attempt),
    );
    if (places !== null) {
      this.#end.groupStands(places);
      for (const partition of this.#end.openWithoutPosition) {
        const place = places.get(partition) ?? { kind: "earliest" as const };
        this.#end.groupComesTo(partition, await firstRecord(this.#source, partition, place, this.#target.id, signal));
      }
    }
    this.#endIfReached();
  }

  #lag(signal: AbortSignal): Promise<number | null> {
    return groupLag(this.#source, this.#options.group, "lag", ["not-found"], signal);
  }

  #report(lag: number | null, partitions: readonly string[]): void {
    const { copied, duplicates, returned } = this.#count;
    void this.#options.onProgress?.({ copied, duplicates, returned, lag, partitions });
  }
}

/** Whether another attempt may succeed, after it has found out what the target holds. */
function mayPass(error: unknown): boolean {
  return isStreamError(error) && (error.retryable || error.code === "outcome-unknown" || error.code === "ownership-lost");
}

/** What made the handler fail says more than that it did. */
function causeOf(error: unknown): unknown {
  return isStreamError(error, "handler-failed") && isStreamError(error.cause) ? error.cause : error;
}
