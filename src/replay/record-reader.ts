import { unreadableError } from "../codec/decode-record.ts";
import { UnreadableRecord } from "../codec/unreadable-record.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { PartitionPlace } from "../position/place.ts";
import type { MessageSource, TopicIdentity } from "../position/position.ts";
import { ignoreRejection } from "../promise-like.ts";
import type { TopicContext } from "../topic-context.ts";
import { makesMarks } from "./handed-out.ts";
import { bufferOf, openRange } from "./open-range.ts";
import type { RangeBuffer } from "./range-buffer.ts";
import { type ResolvedReaderOptions, resolveReaderOptions } from "./reader-options.ts";
import type { ReaderOptions } from "./reader-types.ts";

/** Records of one partition, in log order. */
export interface ReadRecords {
  readonly source: MessageSource;
  readonly records: readonly StoredRecord[];
}

const MOST_RECORDS = 1_000;

/** Reads a range once, without a group and without a codec. A gap is an error without `onGap`, and so is what cannot be read. */
export class RecordReader {
  readonly #context: TopicContext;
  readonly #options: ResolvedReaderOptions;
  #buffer: RangeBuffer | null = null;
  #identity: TopicIdentity | null = null;

  /** @throws `invalid-argument` · `unsupported` · `position-mismatch` (a token of another provider) */
  constructor(context: TopicContext, options: Pick<ReaderOptions, "from" | "until" | "partitions" | "maxBufferedBytes" | "onGap">) {
    this.#context = context;
    this.#options = resolveReaderOptions(context, options);
  }

  /** Of the topic that was read. Valid once the first batch was asked for. */
  get identity(): TopicIdentity {
    return this.#identity!;
  }

  /** Behind what was handed out, in every partition of the range. Valid once the first batch was asked for. */
  get places(): ReadonlyMap<string, PartitionPlace> {
    return this.#buffer!.places();
  }

  /** To be called once. @throws `position-out-of-range` · `position-mismatch` · `corrupt` · what the driver throws · the signal's reason */
  async *batches(signal: AbortSignal): AsyncGenerator<ReadRecords, void, void> {
    signal.throwIfAborted();
    const context = this.#context;
    const reader = context.driver.reader(context.nativeTopic);
    const stop = (): void => void ignoreRejection(this.#buffer?.close() ?? Promise.resolve());
    signal.addEventListener("abort", stop, { once: true });
    try {
      const opened = await openRange(context, this.#options, reader, signal);
      this.#identity = opened.identity;
      const handedOut = makesMarks(reader) ? reader.handedOut.bind(reader) : undefined;
      const buffer = bufferOf(context, this.#options, reader, opened, handedOut);
      this.#buffer = buffer;
      signal.throwIfAborted();
      buffer.start();
      while (!buffer.over) {
        const batch = take(buffer);
        if (batch === null) await buffer.changed();
        else yield batch;
        signal.throwIfAborted();
      }
      if (buffer.error !== undefined) throw buffer.error;
    } catch (error) {
      signal.throwIfAborted();
      throw context.toError(error, "read");
    } finally {
      signal.removeEventListener("abort", stop);
      await this.#buffer?.close();
      await reader.close();
    }
  }
}

/** What is queued of the partition whose turn it is. `null`: nothing is. @throws `corrupt` */
function take(buffer: RangeBuffer): ReadRecords | null {
  const partition = buffer.nextReady();
  if (partition === undefined) return null;
  const { source } = partition;
  const records = buffer.takeSome(partition, MOST_RECORDS);
  for (const record of records) {
    if (record instanceof UnreadableRecord) throw unreadableError(source, record);
    partition.handOut(record);
  }
  return { source, records };
}
