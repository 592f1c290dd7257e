import type { Capabilities } from "../../capabilities.ts";
import type { StoredRecord } from "../../driver/record.ts";
import { StreamError } from "../../errors.ts";
import { checkOptions, rules } from "../../option-rules.ts";
import type { PartitionPlace } from "../../position/place.ts";
import { type MessageSource, encodePosition } from "../../position/position.ts";
import { RecordReader } from "../../replay/record-reader.ts";
import type { Position } from "../../tokens.ts";
import { sideCall } from "../side-call.ts";
import { isBehind } from "../copy/place-order.ts";
import { isHandled } from "../handled-part.ts";
import { comesFrom } from "../records-from.ts";
import { partitionHash, placeHash } from "../digest/place-hash.ts";
import { ProvenanceCursor } from "../digest/provenance-cursor.ts";
import { keepsHeaderOrder } from "../digest/record-digests.ts";
import { RecordScan } from "../digest/record-scan.ts";
import { type OpenSide, type Side, capabilitiesOf, openSide } from "../side.ts";
import { DigestTable, bucketOf } from "./digest-table.ts";
import { OrderCheck } from "./order-check.ts";
import { SeenMessages } from "./seen-messages.ts";

export interface VerifyOptions {
  /** Only what the source has stored from then on; a number: milliseconds since the epoch. @default everything that it still has */
  since?: Date | number | undefined;
  /** Only one of so many messages, the same ones in both. All are read. @default 1 */
  sample?: number | undefined;
  /** Only what this group has stored as copied: for a copy that runs. @default everything that is stored when the verification begins */
  group?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface Difference {
  readonly kind: "missing" | "extra" | "changed" | "outOfOrder";
  /** Of the source. */
  readonly partition: string;
  readonly sourcePosition: Position;
  /** `null`: the target does not have it. */
  readonly targetPosition: Position | null;
}

export interface VerifyResult {
  /** Nothing is missing, extra, changed or out of order. Duplicates are told, and are no difference. */
  readonly equal: boolean;
  /** What the source has and a copy must carry. */
  readonly sourceMessages: number;
  /** What the target has of it, without duplicates. */
  readonly targetMessages: number;
  readonly missing: number;
  readonly extra: number;
  readonly changed: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly firstDifference: Difference | null;
}

/** Messages that are compared one by one at once. */
const COMPARED_AT_ONCE = 200_000;

/**
 * Compares what the source holds now with what the target holds of it: by digests first, and, where these differ, message by message. What is stored
 * in the source meanwhile is left out.
 * @throws `unsupported` for a group whose places the provider does not show · what the readers throw, `position-out-of-range` where retention overtakes them
 */
export async function verify(source: Side, target: Side, options: VerifyOptions = {}): Promise<VerifyResult> {
  checkOptions("verify options", options, {
    since: rules.time,
    sample: rules.positiveInteger,
    group: rules.nonEmptyString,
    signal: rules.abortSignal,
  });
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const to = await openSide(target, "verify", signal);
  const ofTarget = await capabilitiesOf(to, "verify", signal);
  return await new Verification(await openSide(source, "verify", signal), to, ofTarget, options, signal).run();
}

/** The part of a source partition that is compared. */
interface Window {
  readonly partition: string;
  readonly first: string;
  readonly end: PartitionPlace;
  /** Ordinals that are known to be in the window. They rise with the positions, so those between them are as well. */
  lowest: number;
  highest: number;
}

/** A message of the source, as one of both sides names it. */
type Origin = Pick<ProvenanceCursor, "partition" | "position" | "ordinal">;

/** Every so many messages of a batch, the next ordinals that are in the window are looked for. */
const LOOK_AHEAD = 64;

class Verification {
  readonly #source: OpenSide;
  readonly #target: OpenSide;
  readonly #options: VerifyOptions;
  readonly #signal: AbortSignal;
  readonly #table = new DigestTable();
  readonly #windows = new Map<string, Window>();
  /** Of the last message: mostly the next one is of the same partition. */
  #window: Window | null = null;
  readonly #keepsHeaderOrder: boolean;
  readonly #keepsTimes: boolean;
  readonly #choosesPartition: boolean;
  readonly #hasOrder: boolean;
  readonly #count = { sourceMessages: 0, targetMessages: 0, missing: 0, extra: 0, changed: 0, duplicates: 0, outOfOrder: 0 };
  #first: Difference | null = null;

  /** @param ofTarget of its topic: whether messages have the times that their producers give, and whether a copy can choose partitions */
  constructor(
    source: OpenSide,
    target: OpenSide,
    ofTarget: Pick<Capabilities, "producerTimestamps" | "explicitPartition">,
    options: VerifyOptions,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#target = target;
    this.#keepsTimes = ofTarget.producerTimestamps;
    this.#choosesPartition = ofTarget.explicitPartition;
    this.#options = options;
    this.#signal = signal;
    this.#keepsHeaderOrder = keepsHeaderOrder(source, target);
    this.#hasOrder = source.context.capabilities.orderingUnit === "partition";
  }

  async run(): Promise<VerifyResult> {
    await this.#readSource();
    await this.#readTarget();
    for (const buckets of this.#table.differences(COMPARED_AT_ONCE)) await this.#compare(buckets);
    const { missing, extra, changed, outOfOrder } = this.#count;
    return { equal: missing + extra + changed + outOfOrder === 0, ...this.#count, firstDifference: this.#first };
  }

  async #readSource(): Promise<void> {
    const { group } = this.#options;
    const copied = group === undefined ? null : await this.#copiedBy(group);
    const firsts = new Map<string, string>();
    const places = await this.#eachOfSource(copied, (partition, position, place, digest) => {
      if (!firsts.has(partition)) firsts.set(partition, position);
      this.#count.sourceMessages += 1;
      this.#table.add("source", place, digest);
    });
    for (const [partition, first] of firsts) {
      this.#windows.set(partition, { partition, first, end: (copied ?? places).get(partition)!, lowest: Infinity, highest: 0 });
    }
  }

  /** Where the group stands. */
  async #copiedBy(group: string): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { context } = this.#source;
    const { places } = await sideCall(context, "verify", this.#signal, (attempt) =>
      context.driver.admin.describeGroup(context.nativeTopic, context.checkedGroup(group), attempt),
    );
    if (places !== null) return places;
    const text =
      "what a group has copied can only be told where a group has a place in each partition; verify without a group when the copy has ended";
    throw new StreamError("unsupported", text, { provider: context.provider, topic: context.topic, operation: "verify" });
  }

  async #readTarget(): Promise<void> {
    const { context } = this.#target;
    const producer = context.driver.producer(context.nativeTopic);
    const order = new OrderCheck(producer.shape.lane, this.#choosesPartition);
    await producer.close();
    const outOfOrder = (origin: Origin, targetPosition: Position): void => {
      this.#count.outOfOrder += 1;
      this.#differs("outOfOrder", origin, targetPosition);
    };
    await this.#eachOfTarget((origin, source, record, digest) => {
      this.#count.targetMessages += 1;
      this.#table.add("target", origin.place, digest);
      const { partition, ordinal } = origin;
      if (ordinal === null || order.isInOrder(partition, ordinal, source.partition, record)) return;
      outOfOrder(origin, source.positionOf(record.position));
    }, true);
    while (order.beginReading()) {
      await this.#eachOfTarget(({ partition, ordinal, position }, source, { key, position: targetPosition }) => {
        if (ordinal === null || order.isKeyInOrder(partition, ordinal, key)) return;
        outOfOrder({ partition, ordinal, position }, source.positionOf(targetPosition));
      }, false);
    }
  }

  /** Compares the messages of these buckets one by one. What is counted now replaces what was counted of them before. */
  async #compare(buckets: ReadonlySet<number>): Promise<void> {
    const expected = new Map<string, { readonly partition: string; readonly position: string; readonly digest: string }>();
    await this.#eachOfSource(null, (partition, position, place, digest) => {
      if (!buckets.has(bucketOf(place)) || !this.#isInWindow({ partition, position, ordinal: null })) return;
      expected.set(`${partition}\0${position}`, { partition, position, digest: digest.join() });
    });
    this.#count.sourceMessages += expected.size - this.#table.countOf("source", buckets);
    this.#count.targetMessages -= this.#table.countOf("target", buckets);
    await this.#eachOfTarget((origin, source, record, digest) => {
      if (!buckets.has(bucketOf(origin.place))) return;
      this.#count.targetMessages += 1;
      const name = `${origin.partition}\0${origin.position}`;
      const original = expected.get(name);
      expected.delete(name);
      if (original?.digest === digest.join()) return;
      const kind = original === undefined ? "extra" : "changed";
      this.#count[kind] += 1;
      this.#differs(kind, origin, source.positionOf(record.position));
    }, false);
    this.#count.missing += expected.size;
    for (const { partition, position } of expected.values()) this.#differs("missing", { partition, position }, null);
  }

  /**
   * Each message that a copy must carry.
   * @param copied only what lies before these places; `null`: everything
   * @param visit is given a digest that is valid during the call only
   * @returns where the reading ended
   */
  async #eachOfSource(
    copied: ReadonlyMap<string, PartitionPlace> | null,
    visit: (partition: string, position: string, place: number, digest: Int32Array) => void,
  ): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { since } = this.#options;
    const reader = new RecordReader(this.#source.context, { from: since === undefined ? undefined : { timestamp: since }, until: "now" });
    const scan = new RecordScan(this.#keepsHeaderOrder, null);
    for await (const { source, records } of reader.batches(this.#signal)) {
      const { partition } = source;
      const seed = partitionHash(partition);
      for (const record of copied === null ? records : this.#before(copied.get(partition), records)) {
        // What a record has it may make anew each time that it is asked.
        const { position } = record;
        const place = placeHash(seed, position);
        if (!this.#isSampled(place)) continue;
        const digest = scan.hashOf(record, place);
        if (!scan.isMarked || !comesFrom(this.#target.id, record)) visit(partition, position, place, digest);
      }
    }
    return reader.places;
  }

  #before(place: PartitionPlace | undefined, records: readonly StoredRecord[]): readonly StoredRecord[] {
    if (place === undefined) return [];
    const isCopied = ({ position, timestampMs }: StoredRecord): boolean =>
      isHandled({ place, ahead: null }, position, timestampMs, this.#source.compare);
    return isCopied(records.at(-1)!) ? records : records.filter(isCopied);
  }

  /**
   * Each message of the window that comes from the source, at its first occurrence.
   * @param visit is given where the message comes from, and its digest; both are valid during the call only
   */
  async #eachOfTarget(
    visit: (origin: ProvenanceCursor, source: MessageSource, record: StoredRecord, digest: Int32Array) => void,
    countsDuplicates: boolean,
  ): Promise<void> {
    const seen = new SeenMessages();
    const origin = new ProvenanceCursor(this.#source.id);
    const position = (): string => origin.position;
    const scan = new RecordScan(this.#keepsHeaderOrder, origin, this.#keepsTimes);
    const reader = new RecordReader(this.#target.context, { until: "now" });
    for await (const { source, records } of reader.batches(this.#signal)) {
      this.#lookAhead(records);
      for (const record of records) {
        const digest = scan.hashOfCopy(record);
        if (digest === null || !this.#isSampled(origin.place) || !this.#isInWindow(origin)) continue;
        if (seen.add(origin.partition, origin.ordinal, position)) visit(origin, source, record, digest);
        else if (countsDuplicates) this.#count.duplicates += 1;
      }
    }
  }

  #isSampled(place: number): boolean {
    const { sample = 1 } = this.#options;
    // Other bits than those of the buckets.
    return sample === 1 || (place >>> 8) % sample === 0;
  }

  /** A comparison of positions costs more than everything else about a message. */
  #lookAhead(records: readonly StoredRecord[]): void {
    const origin = new ProvenanceCursor(this.#source.id);
    for (let index = records.length - 1; index >= 0; index -= LOOK_AHEAD)
      if (origin.read(records[index]!.headers) >= 0) this.#isInWindow(origin);
  }

  /** Whether the source had it when it was read: retention has not removed it before, and it was not stored later. */
  #isInWindow(origin: Origin): boolean {
    if (this.#window?.partition !== origin.partition) this.#window = this.#windows.get(origin.partition) ?? null;
    const window = this.#window;
    if (window === null) return false;
    if (!this.#hasOrder) return true;
    const { compare } = this.#source;
    const { ordinal } = origin;
    if (ordinal !== null && ordinal >= window.lowest && ordinal <= window.highest) return true;
    const { position } = origin;
    if (compare(position, window.first) < 0) return false;
    const { end } = window;
    if ((end.kind === "at" || end.kind === "after") && isBehind(position, end, compare)) return false;
    if (ordinal !== null) {
      window.lowest = Math.min(window.lowest, ordinal);
      window.highest = Math.max(window.highest, ordinal);
    }
    return true;
  }

  #differs(kind: Difference["kind"], { partition, position }: Omit<Origin, "ordinal">, targetPosition: Position | null): void {
    const { context, identity } = this.#source;
    this.#first ??= {
      kind,
      partition,
      sourcePosition: encodePosition({ provider: context.provider, ...identity, partition, position }),
      targetPosition,
    };
  }
}
