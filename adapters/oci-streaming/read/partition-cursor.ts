import {
  type Fetched,
  type FetchedLater,
  type PartitionCursor,
  Portions,
  RetryBackoff,
  laterRecords,
  madeNow,
  pause,
  retrying,
} from "../../../src/adapter-kit/index.ts";
import type { DriverGap, Place } from "../../../src/driver/index.ts";
import { firstPosition, recordStart } from "../../../src/envelope/index.ts";
import { classify, hasStatus, isCoded, ociError, waitHintMs } from "../errors.ts";
import { type MessageContent, compareOffsets, comparePositions, contentsOf, plainRecords } from "../records.ts";
import type { OciService } from "../service.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";
import { CursorReads, type CursorStart, type ReadPage } from "./cursor-reads.ts";
import type { MessagePage } from "./message-page.ts";

export interface PartitionCursorRequest {
  readonly topic: string;
  readonly partition: string;
  readonly place: Place;
  /** Nothing was stored behind the place until then, by the service's clock; `null`: unknown. */
  readonly emptyUntilMs: number | null;
  /** About how many bytes one answer of `fetch` may have. */
  readonly portionBytes: number;
}

/** What is on its way to the partition when the service says that nothing is left. */
const ON_ITS_WAY_MS = 10_000;
/** While the size of the messages is not known. */
const FIRST_LIMIT = 2_048;
const MOST_GROWTH = 8;
/** https://docs.oracle.com/iaas/api/#/en/streaming/20180418/Message/GetMessages */
const MOST_LIMIT = 10_000;
/** Pauses after a throttled read. */
const THROTTLED_MS = { initialDelayMs: 200, maxDelayMs: 5_000 };
/** How often a cursor that was just made may be refused: retention may pass between both requests. */
const MOST_REFUSALS = 3;

/**
 * Reads one partition. A cursor that begins at a position begins at the message of that position, which has been read already: the service accepts it only
 * while the message is kept, and retention removes the oldest messages first. So a gap is found by what is there, never by times.
 */
export class OciPartitionCursor implements PartitionCursor {
  readonly #service: OciService;
  readonly #request: PartitionCursorRequest;
  readonly #backoff: RetryBackoff;
  /** What was read and not handed out yet. Records that need no look before are made when it is their turn, so that few live at a time. */
  #found: FetchedLater[] = [];
  /** Where the next page begins. */
  #place: Place;
  #emptyUntilMs: number | null;
  #stream: StreamSummary | null = null;
  #cursor: string | null = null;
  /** No page of the cursor has been read yet: the first message may be the one at which the last page has ended. */
  #isFresh = true;
  #refusals = 0;
  #limit: number;
  #isCaughtUp = false;
  #lastTimeMs = -Infinity;
  #warned = false;

  constructor(service: OciService, request: PartitionCursorRequest) {
    this.#service = service;
    this.#request = request;
    this.#place = request.place;
    this.#emptyUntilMs = request.emptyUntilMs;
    this.#limit = service.budget.isWide ? MOST_LIMIT : FIRST_LIMIT;
    const retryAfterMs = (error: unknown): number | null => waitHintMs((error as { readonly serviceText?: string }).serviceText ?? "");
    this.#backoff = new RetryBackoff({ report: service.report, topic: request.topic, classify, retryAfterMs, ...THROTTLED_MS });
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    for (;;) {
      const next = this.#found.shift();
      if (next !== undefined) return madeNow(next);
      if (this.#isCaughtUp) await pause(this.#service.pollMs, signal);
      signal.throwIfAborted();
      await retrying("GetMessages", this.#backoff, signal, () => this.#read(signal));
      this.#backoff.reset();
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { topic, partition } = this.#request;
    this.#stream ??= await this.#service.directory.usable(topic, signal);
    const reads = new CursorReads(this.#service, this.#stream, partition);
    const askedAtMs = this.#service.calls.serviceNowMs;
    try {
      this.#cursor ??= await this.#begin(reads, signal);
      if (this.#cursor === null) return;
      const read = (): Promise<ReadPage> => reads.page(this.#cursor!, this.#limit, signal);
      let page = await read();
      if (this.#service.envelope === "raw") this.#addPlain(page.messages);
      else {
        let contents = contentsOf(page.messages);
        // Bytes can be damaged on their way: what cannot be read is fetched once more.
        if (contents.some(({ kind }) => kind === "unreadable")) {
          page = await read();
          contents = contentsOf(page.messages);
        }
        this.#addContents(page.messages, contents);
      }
      this.#refusals = 0;
      this.#passed(page.messages, askedAtMs);
      this.#cursor = page.cursor;
    } catch (error) {
      await this.#recover(error, signal);
    }
  }

  /** @returns `null`: there is something to hand out first */
  async #begin(reads: CursorReads, signal: AbortSignal): Promise<string | null> {
    this.#isFresh = true;
    const start = startOf(this.#place);
    // A time names no message that could be missing. It was within retention when it was resolved.
    if (start.type === "AT_TIME" && Math.max(start.timeMs, this.#emptyUntilMs ?? 0) < (await this.#horizonMs(signal))) {
      return this.#gap({ resumesAt: { kind: "earliest" }, missing: null });
    }
    try {
      return await reads.cursor(start, signal);
    } catch (error) {
      if (start.type !== "AT_OFFSET" || !isCoded(error, "InvalidParameter")) throw error;
      return this.#outside(reads, start.offset, error, signal);
    }
  }

  /** The service does not accept the offset: it is before what is kept, or behind the end. */
  async #outside(reads: CursorReads, offset: string, cause: unknown, signal: AbortSignal): Promise<string | null> {
    const { topic, partition } = this.#request;
    const horizon = await reads.cursor({ type: "TRIM_HORIZON" }, signal);
    const { messages } = await reads.page(horizon, 1, signal);
    if (messages.length === 0) {
      if (await this.#isQuiet(signal)) return horizon;
      return this.#gap({ resumesAt: { kind: "earliest" }, missing: null });
    }
    const oldest = messages.offsetOf(0);
    if (compareOffsets(oldest, offset) <= 0) {
      const text = "the position is behind the end of the partition: it belongs to another stream";
      throw ociError("position-mismatch", text, { topic, partition, cause });
    }
    const resumesAt = { kind: "at", position: firstPosition(oldest) } as const;
    const isNext = this.#place.kind === "after" && this.#place.position === offset && BigInt(offset) + 1n === BigInt(oldest);
    if (!isNext && !(await this.#isQuiet(signal))) return this.#gap({ resumesAt, missing: null });
    this.#place = resumesAt;
    return reads.cursor(startOf(resumesAt), signal);
  }

  #gap(gap: DriverGap): null {
    this.#found.push({ kind: "gap", gap });
    this.#place = gap.resumesAt;
    return null;
  }

  /** Was nothing stored behind the place that retention could have removed? */
  async #isQuiet(signal: AbortSignal): Promise<boolean> {
    return this.#emptyUntilMs !== null && this.#emptyUntilMs >= (await this.#horizonMs(signal));
  }

  /** What was stored before then is not kept. */
  async #horizonMs(signal: AbortSignal): Promise<number> {
    return this.#service.calls.serviceNowMs - (await this.#service.directory.retentionMs(this.#stream!, signal));
  }

  /** @throws what a retry, or nobody, has to deal with */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { topic, partition } = this.#request;
    if (isCoded(error, "InvalidParameter") && this.#cursor !== null && this.#refusals < MOST_REFUSALS) {
      // The cursor has expired, or retention has passed it: it is made again behind what was read.
      this.#refusals += 1;
      this.#cursor = null;
      return;
    }
    if (!hasStatus(error, 404)) throw error;
    const { id } = await this.#service.directory.usableNow(topic, signal);
    if (id === this.#stream?.id) {
      const what = "the service lists the stream, but does not let these credentials read its messages";
      throw ociError("permission-denied", what, { topic, partition, cause: error });
    }
    const text = "the stream has been deleted and created again: what was read belongs to the former one";
    throw ociError("position-mismatch", text, { topic, partition, cause: error });
  }

  /** All messages of the page are found. */
  #passed(page: MessagePage, askedAtMs: number): void {
    const { length } = page;
    this.#isFresh = false;
    this.#isCaughtUp = length === 0;
    if (length === 0) {
      this.#found.push({ kind: "caught-up", emptyUntilMs: this.#emptyUntil(askedAtMs) });
      return;
    }
    this.#place = { kind: "after", position: page.offsetOf(length - 1) };
    this.#lastTimeMs = page.timestampMsOf(length - 1);
    this.#emptyUntilMs = null;
    const fitting = Math.floor((this.#service.budget.pageBytes * length) / Math.max(page.bytes, 1));
    this.#limit = Math.max(1, Math.min(fitting, this.#limit * MOST_GROWTH, MOST_LIMIT));
  }

  #emptyUntil(askedAtMs: number): number | null {
    const untilMs = Math.floor(askedAtMs - ON_ITS_WAY_MS);
    if (untilMs > this.#lastTimeMs) this.#emptyUntilMs = untilMs;
    return this.#emptyUntilMs;
  }

  /** Only the first message of a fresh cursor can be one that was handed out before. */
  #isNew(index: number, position: string): boolean {
    const place = this.#place;
    return index > 0 || !this.#isFresh || (place.kind !== "at" && place.kind !== "after") || isBehind(position, place);
  }

  #addPlain(page: MessagePage): void {
    const first = page.length > 0 && !this.#isNew(0, page.offsetOf(0)) ? 1 : 0;
    const records = {
      length: page.length,
      bytesOf: (index: number) => page.bytesOf(index),
      recordsOf: (from: number, to: number) => plainRecords(page, from, to),
    };
    this.#found.push(...laterRecords(records, first, this.#request.portionBytes));
  }

  #addContents(page: MessagePage, contents: readonly MessageContent[]): void {
    const portions = new Portions(this.#request.portionBytes);
    for (const [index, content] of contents.entries()) {
      if (content.kind === "unreadable") {
        if (this.#isNew(index, content.range.last)) portions.unreadable(content.range);
        continue;
      }
      if (content.isUnderOtherKey) this.#warnOfOtherKeys();
      portions.add(index > 0 ? content.messages : content.messages.filter(({ position }) => this.#isNew(index, position)));
      const offset = page.offsetOf(index);
      portions.through(offset, content.messages.at(-1)?.position !== offset);
    }
    this.#found.push(...portions.finish());
  }

  #warnOfOtherKeys(): void {
    const { report } = this.#service;
    if (this.#warned || !report.wants("warning")) return;
    this.#warned = true;
    const text = "messages are stored under other keys than they were sent with; they are handed on as they are";
    report({ kind: "warning", topic: this.#request.topic, text });
  }

  async close(): Promise<void> {}
}

function isBehind(position: string, place: { readonly kind: "at" | "after"; readonly position: string }): boolean {
  const order = comparePositions(position, place.position);
  return place.kind === "at" ? order >= 0 : order > 0;
}

function startOf(place: Place): CursorStart {
  switch (place.kind) {
    case "earliest":
      return { type: "TRIM_HORIZON" };
    case "latest":
      return { type: "LATEST" };
    case "timestamp":
      return { type: "AT_TIME", timeMs: place.timestampMs };
    case "at":
    case "after":
      return { type: "AT_OFFSET", offset: recordStart(place).record };
    case "mark":
      throw ociError("invalid-argument", "OCI Streaming keeps no marks");
  }
}
