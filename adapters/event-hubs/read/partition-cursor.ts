import type { EventPosition, ReceivedEventData } from "@azure/event-hubs";
import { type Fetched, type PartitionCursor, RetryBackoff, retrying } from "../../../src/adapter-kit/index.ts";
import type { Place, StoredRecord } from "../../../src/driver/index.ts";
import { classify, eventHubsError, isCoded } from "../errors.ts";
import type { PartitionInfo } from "../hubs/hub-directory.ts";
import { isCountable, parsePosition, positionOf, recordOf } from "../records.ts";
import type { EventHubsService } from "../service.ts";
import { EventPump, type Pumped } from "./event-pump.ts";
import type { TailPlace } from "./removed-tails.ts";
import { UnreadableSearch } from "./unreadable-search.ts";

export interface PartitionCursorRequest {
  readonly topic: string;
  /** The consumer group. */
  readonly group: string;
  readonly partition: string;
  readonly place: Place;
  /** Of an ownership: the owner level of its link. `null`: a reader. */
  readonly epoch: bigint | null;
  /** About how many bytes one answer of `fetch` may have. */
  readonly portionBytes: number;
  /** The partition for the first link, as it was a moment ago: whoever opens a cursor has often just asked. */
  readonly firstInfo: (signal: AbortSignal) => Promise<PartitionInfo>;
}

/** The SDK waits 20 ms whenever it asks for more events, so that these should be many; but their bytes are not known beforehand. */
const FIRST_EVENTS = 32;
const LARGE_EVENT_BYTES = 16_384;
const LEAST_EVENTS = 2;
const MOST_EVENTS = 2_000;
/** A link that has more than this to read is not told where the partition ends: it is opened anew when it is there. */
const FAR_EVENTS = 1_000;
/** A link takes as many events at a time as it was opened with: it is opened anew where that is so far from what fits. */
const MOST_MISFIT = 4;
/** Where a link has waited before. */
const LONG_IDLE_MS = 30_000;
/**
 * So often a link says nothing while the partition is not at its end: then it is looked whether compaction has removed the rest. Where that stays in doubt a
 * group looks again after twice as many turns each time, and from some time on its links may be slow.
 */
const QUIET_TURNS = 3;
const MANY_QUIET_TURNS = 24;
/** Pauses after a throttled read. */
const THROTTLED_MS = { initialDelayMs: 100, maxDelayMs: 5_000 };

/**
 * Reads one partition by a link that is made anew behind the last event after every error. A link begins behind a sequence number, which may be gone, or the last
 * one. Gaps are found against the beginning of the partition: compaction leaves holes in the numbers that are no gaps. A hole is passed when an event
 * behind it has come, never because of silence.
 */
export class EventHubsCursor implements PartitionCursor {
  readonly #service: EventHubsService;
  readonly #request: PartitionCursorRequest;
  readonly #backoff: RetryBackoff;
  /** What was read and not handed out yet. */
  readonly #found: Fetched[] = [];
  #pump: EventPump | null = null;
  /** The sequence number of what comes next; `null`: a time says where. */
  #next: number | null = null;
  /** Is the number of what comes next that of an event, and not only one before the oldest? */
  #isCountable: boolean;
  #incarnation: string | null = null;
  #isCaughtUp = false;
  /** Where a link is replaced that is not told where the partition ends; `null`: it is told. */
  #farEnd: number | null = null;
  #quietTurns = 0;
  /** The number of an event that could not be read when it came. */
  #suspect: number | null = null;
  readonly #search = new UnreadableSearch();
  #most: number;
  #meanBytes = 1;
  /** A link has waited here before. */
  #hasWaited = false;
  #hasBegun = false;

  constructor(service: EventHubsService, request: PartitionCursorRequest) {
    this.#service = service;
    this.#request = request;
    const { place } = request;
    this.#isCountable = place.kind !== "at" || isCountable(place.position);
    const meanBytes = service.eventSizes.meanOf(request.topic);
    this.#most = meanBytes === null ? this.#fitting(LARGE_EVENT_BYTES, FIRST_EVENTS) : this.#fitting(meanBytes, MOST_EVENTS);
    this.#backoff = new RetryBackoff({ report: service.report, topic: request.topic, classify, ...THROTTLED_MS });
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    for (;;) {
      const next = this.#found.shift();
      if (next !== undefined) return next;
      signal.throwIfAborted();
      await retrying("Receive", this.#backoff, signal, () => this.#read(signal));
      this.#backoff.reset();
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const pump = this.#pump;
    try {
      if (pump === null) return await this.#begin(signal);
      const pumped = await pump.next(signal);
      if (pumped.kind === "events") {
        const isWhole = await this.#take(pumped, signal);
        if (!isWhole || this.#hasWrongWidth(pumped.events.length >= pump.batchSize) || this.#isAtFarEnd) await this.#endPump();
        return;
      }
      if (!this.#isCaughtUp) await this.#lookAround(signal);
      if (this.#isCaughtUp && this.#search.isOn) {
        this.#search.end();
        return await this.#endPump();
      }
      if (!pump.isWorn || this.#pump === null) return;
      this.#hasWaited = true;
      await this.#endPump();
    } catch (error) {
      signal.throwIfAborted();
      const wasOpen = this.#pump?.wasOpen ?? false;
      await this.#endPump();
      if (pump !== null && pump.unreadable !== null && this.#blame(pump.unreadable, pump.width)) return;
      // The token of an open link has run out: the next link gets a new one. If that is refused, nothing else is left.
      if (wasOpen && isCoded(error, "UnauthorizedError")) return;
      await this.#recover(error, signal);
    }
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { topic, partition, group, epoch } = this.#request;
    await this.#requireSameHub((await this.#service.directory.hub(topic, signal)).identity.incarnation);
    let info = await (this.#hasBegun ? this.#service.directory.partition(topic, partition, signal) : this.#request.firstInfo(signal));
    this.#next ??= firstOf(this.#request.place, info);
    // Others may have stored and handled more since then.
    if (!this.#hasBegun && this.#next !== null && this.#next > info.next) {
      info = await this.#service.directory.partition(topic, partition, signal);
    }
    this.#hasBegun = true;
    if (this.#next !== null && this.#next > info.next) {
      const text = `the position ${this.#next} is behind the end of the partition, which is ${info.next}: it belongs to another hub of the name`;
      throw eventHubsError("position-mismatch", text, { topic, partition });
    }
    this.#passGap(info);
    if (this.#isAtEnd(info) && !this.#hasWaited) this.#caughtUp();
    const consumer = await this.#service.clients.consumer(topic, group, partition, signal, !this.#search.isOn);
    const ownerLevel = epoch === null ? null : Number(epoch);
    // Before that it is to be found out soon whether compaction has removed the rest.
    const mayBeSlow = this.#isCaughtUp || (epoch !== null && this.#quietTurns >= MANY_QUIET_TURNS);
    const idleMs = mayBeSlow && this.#hasWaited ? LONG_IDLE_MS : this.#service.silenceMs;
    this.#farEnd = info.next - (this.#next ?? info.begin) > FAR_EVENTS ? info.next : null;
    const tellsEnd = this.#farEnd === null;
    const most = this.#search.widthOf(this.#most);
    this.#pump = new EventPump(consumer, { partition, start: this.#start(), ownerLevel, idleMs, most, tellsEnd });
  }

  /**
   * The AMQP library could not read what has come by a link of this width.
   * @returns whether the event is found that it was
   * @throws `corrupt` where the event has no position yet
   */
  #blame(cause: Error, width: number): boolean {
    const { topic, partition } = this.#request;
    this.#isCaughtUp = false;
    if (!this.#search.failed(this.#next ?? 0, width)) return false;
    if (this.#next === null) {
      const text = "the first event since the time cannot be decoded, so that its position is not known: begin at an earlier time";
      throw eventHubsError("corrupt", text, { topic, partition, cause });
    }
    const position = String(this.#next);
    const reason = `the event ${position} cannot be decoded`;
    this.#found.push({ kind: "unreadable", range: { first: position, last: position, reason, cause } });
    this.#next += 1;
    return true;
  }

  async #requireSameHub(incarnation: string): Promise<void> {
    const { topic, partition } = this.#request;
    this.#incarnation ??= incarnation;
    if (this.#incarnation === incarnation) return;
    const text = "the hub has been deleted and created again: what was read belongs to the former one";
    throw eventHubsError("position-mismatch", text, { topic, partition });
  }

  /** Always exclusive: that is legal also at the end, and where the last number is gone. */
  #start(): EventPosition {
    if (this.#next !== null) return { sequenceNumber: this.#next - 1, isInclusive: false };
    const { place } = this.#request;
    // The SDK leaves the time itself out.
    if (place.kind === "timestamp") return { enqueuedOn: Math.ceil(place.timestampMs) - 1 };
    throw eventHubsError("invalid-argument", `Event Hubs cannot read from this kind of place: ${place.kind}`);
  }

  #isAtEnd(info: PartitionInfo): boolean {
    const { next, lastStoredMs } = info;
    if (this.#next !== null) return this.#next >= next || this.#service.removedTails.knows(this.#tail, info);
    const { place } = this.#request;
    return lastStoredMs === null || (place.kind === "timestamp" && lastStoredMs < place.timestampMs);
  }

  #caughtUp(): void {
    this.#isCaughtUp = true;
    this.#quietTurns = 0;
    this.#found.push({ kind: "caught-up", emptyUntilMs: null });
  }

  /** Where retention has passed what comes next: the numbers rise by one for each event, so that they tell how many are missing, compacted ones included. */
  #passGap({ begin }: PartitionInfo): void {
    if (this.#next === null || begin <= this.#next) return;
    const missing = this.#isCountable ? begin - this.#next : null;
    this.#isCountable = true;
    this.#next = begin;
    this.#found.push({ kind: "gap", gap: { resumesAt: { kind: "at", position: String(begin) }, missing } });
  }

  /** Nothing has come. */
  async #lookAround(signal: AbortSignal): Promise<void> {
    const { topic, partition } = this.#request;
    const info = await this.#service.directory.partition(topic, partition, signal);
    this.#passGap(info);
    if (this.#isAtEnd(info)) return this.#caughtUp();
    this.#quietTurns += 1;
    if (!Number.isInteger(Math.log2(this.#quietTurns / QUIET_TURNS))) return;
    const isGroup = this.#request.epoch !== null;
    // The link of a group stays open. It excludes readers in its own consumer group only.
    if (!isGroup) await this.#endPump();
    const isRemoved = await this.#service.removedTails.look(this.#tail, this.#start(), info, signal);
    if (isRemoved) this.#caughtUp();
    else if (!isGroup) this.#quietTurns = 0;
  }

  get #tail(): TailPlace {
    const { topic, partition } = this.#request;
    return { topic, incarnation: this.#incarnation ?? "", partition, next: this.#next };
  }

  /** @returns `false` where one of the events has to be read again, with what is behind it */
  async #take({ events, last }: Extract<Pumped, { kind: "events" }>, signal: AbortSignal): Promise<boolean> {
    const { topic, partition, portionBytes } = this.#request;
    // Before anything is taken, so that nothing is taken twice if this fails.
    const info = hasHole(this.#next, events) ? await this.#service.directory.partition(topic, partition, signal) : null;
    this.#quietTurns = 0;
    this.#hasWaited = false;
    let records: StoredRecord[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (records.length > 0) this.#found.push({ kind: "records", records });
      [records, bytes] = [[], 0];
    };
    let allBytes = 0;
    let isWhole = true;
    for (const event of events) {
      const { sequenceNumber, offset } = event;
      if (this.#next !== null && sequenceNumber < this.#next) continue;
      if (info !== null && this.#next !== null && sequenceNumber > this.#next) {
        flush();
        this.#passGap({ ...info, begin: Math.min(info.begin, sequenceNumber) });
      }
      const record = readable(event);
      if (record instanceof Error) {
        flush();
        // It may have been damaged on its way: a second look decides.
        isWhole = this.#suspect === sequenceNumber;
        this.#suspect = this.#next = sequenceNumber;
        if (!isWhole) break;
        const position = positionOf(sequenceNumber, offset);
        const reason = `the event ${sequenceNumber} has a form that cannot be read`;
        this.#found.push({ kind: "unreadable", range: { first: position, last: position, reason, cause: record } });
      } else {
        if (bytes + record.bytes > portionBytes) flush();
        records.push(record);
        bytes += record.bytes;
        allBytes += record.bytes;
      }
      this.#next = sequenceNumber + 1;
    }
    flush();
    this.#isCountable = true;
    this.#meanBytes = Math.max(1, allBytes / events.length);
    this.#service.eventSizes.note(topic, this.#meanBytes);
    this.#isCaughtUp = false;
    if (last !== null && this.#next !== null && this.#next > last) this.#caughtUp();
    return isWhole;
  }

  get #isAtFarEnd(): boolean {
    return this.#farEnd !== null && this.#next !== null && this.#next >= this.#farEnd;
  }

  /** Has the link to be replaced, because it takes too many events at a time, or too few? */
  #hasWrongWidth(isFull: boolean): boolean {
    const isNarrow = this.#search.isOn;
    if (this.#next !== null) this.#search.passed(this.#next);
    return isNarrow ? !this.#search.isOn : this.#isMisfit(isFull);
  }

  /** Does the link take too many events at a time for the room of the reader, or too few to be quick? */
  #isMisfit(isFull: boolean): boolean {
    const fitting = this.#fitting(this.#meanBytes, MOST_EVENTS);
    const isTooSmall = isFull && fitting >= this.#most * MOST_MISFIT;
    if (!isTooSmall && this.#most < fitting * MOST_MISFIT) return false;
    this.#most = fitting;
    return true;
  }

  /** How many events of this size a link may have at a time. */
  #fitting(meanBytes: number, most: number): number {
    return Math.min(Math.max(Math.floor(this.#request.portionBytes / meanBytes), LEAST_EVENTS), most);
  }

  async #endPump(): Promise<void> {
    const pump = this.#pump;
    this.#pump = null;
    await pump?.close();
  }

  /** @throws what a retry, or nobody, has to deal with */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { topic, partition, group, epoch } = this.#request;
    if (isCoded(error, "ReceiverDisconnectedError")) {
      if (epoch !== null) return void this.#found.push({ kind: "taken" });
      const text = `a group reads the partition in the consumer group ${JSON.stringify(group)}, and excludes readers: give readers a consumer group of their own (readerGroup)`;
      throw eventHubsError("conflict", text, { topic, partition, cause: error });
    }
    if (isCoded(error, "QuotaExceededError")) {
      const text = `the consumer group ${JSON.stringify(group)} has five readers of the partition already, or the namespace has too many connections: it is tried again`;
      throw eventHubsError("throttled", text, { topic, partition, cause: error });
    }
    if (!isCoded(error, "MessagingEntityNotFoundError")) throw error;
    await this.#requireSameHub((await this.#service.directory.hubNow(topic, signal)).identity.incarnation);
    const text = `the hub ${JSON.stringify(topic)} has no consumer group ${JSON.stringify(group)}: create it`;
    throw eventHubsError("not-found", text, { topic, partition, cause: error });
  }

  async close(): Promise<void> {
    await this.#endPump();
  }
}

/** `null`: a time says where. */
function firstOf(place: Place, { begin, next }: PartitionInfo): number | null {
  switch (place.kind) {
    case "earliest":
      return begin;
    case "latest":
      return next;
    case "at":
      return parsePosition(place.position).sequenceNumber;
    case "after":
      return parsePosition(place.position).sequenceNumber + 1;
    case "timestamp":
    case "mark":
      return null;
  }
}

function hasHole(next: number | null, events: readonly ReceivedEventData[]): boolean {
  let expected = next;
  for (const { sequenceNumber } of events) {
    if (expected !== null && sequenceNumber > expected) return true;
    expected = Math.max(expected ?? 0, sequenceNumber + 1);
  }
  return false;
}

function readable(event: ReceivedEventData): StoredRecord | Error {
  try {
    return recordOf(event);
  } catch (error) {
    return error instanceof Error ? error : new Error("the event cannot be read");
  }
}
