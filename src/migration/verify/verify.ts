import type { StoredRecord } from "../../driver/record.ts";
import { checkOptions, rules } from "../../option-rules.ts";
import type { PartitionPlace } from "../../position/place.ts";
import { type MessageSource, encodePosition } from "../../position/position.ts";
import { type Provenance, provenanceTrail, withoutProvenance } from "../../provenance.ts";
import { RecordReader } from "../../replay/record-reader.ts";
import type { Position } from "../../tokens.ts";
import { RecordDigests } from "../record-digest.ts";
import { type OpenSide, type Side, openSide } from "../side.ts";
import { DigestTable, bucketOf } from "./digest-table.ts";
import { OrderCheck } from "./order-check.ts";
import { SeenMessages } from "./seen-messages.ts";

export interface VerifyOptions {
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
 * @throws what the readers throw, `position-out-of-range` where retention overtakes them
 */
export async function verify(source: Side, target: Side, options: VerifyOptions = {}): Promise<VerifyResult> {
  checkOptions("verify options", options, { signal: rules.abortSignal });
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  return await new Verification(await openSide(source, "verify", signal), await openSide(target, "verify", signal), signal).run();
}

/** The part of a source partition that is compared. */
interface Window {
  readonly first: string;
  readonly end: PartitionPlace;
}

class Verification {
  readonly #source: OpenSide;
  readonly #target: OpenSide;
  readonly #signal: AbortSignal;
  readonly #table = new DigestTable();
  readonly #windows = new Map<string, Window>();
  readonly #digests: RecordDigests;
  readonly #count = { sourceMessages: 0, targetMessages: 0, missing: 0, extra: 0, changed: 0, duplicates: 0, outOfOrder: 0 };
  #first: Difference | null = null;

  constructor(source: OpenSide, target: OpenSide, signal: AbortSignal) {
    this.#source = source;
    this.#target = target;
    this.#signal = signal;
    this.#digests = new RecordDigests(source, target);
  }

  async run(): Promise<VerifyResult> {
    await this.#readSource();
    await this.#readTarget();
    for (const buckets of this.#table.differences(COMPARED_AT_ONCE)) await this.#compare(buckets);
    const { missing, extra, changed, outOfOrder } = this.#count;
    return { equal: missing + extra + changed + outOfOrder === 0, ...this.#count, firstDifference: this.#first };
  }

  async #readSource(): Promise<void> {
    const firsts = new Map<string, string>();
    const places = await this.#eachOfSource((partition, record, digest) => {
      if (!firsts.has(partition)) firsts.set(partition, record.position);
      this.#count.sourceMessages += 1;
      this.#table.add("source", placeOf(partition, record.position), digest);
    });
    for (const [partition, first] of firsts) this.#windows.set(partition, { first, end: places.get(partition)! });
  }

  async #readTarget(): Promise<void> {
    const { context } = this.#target;
    const producer = context.driver.producer(context.nativeTopic);
    const order = new OrderCheck(producer.shape.lane);
    await producer.close();
    const outOfOrder = (origin: Provenance, targetPosition: Position): void => {
      this.#count.outOfOrder += 1;
      this.#differs("outOfOrder", origin.partition, origin.position, targetPosition);
    };
    await this.#eachOfTarget((origin, source, record, digest) => {
      this.#count.targetMessages += 1;
      this.#table.add("target", placeOf(origin.partition, origin.position), digest);
      if (origin.ordinal === null || order.isInOrder(origin, source.partition, record.key)) return;
      outOfOrder(origin, source.positionOf(record.position));
    }, true);
    if (!order.hasSuspects) return;
    await this.#eachOfTarget((origin, source, record) => {
      if (origin.ordinal !== null && !order.isKeyInOrder(origin, record.key)) outOfOrder(origin, source.positionOf(record.position));
    }, false);
  }

  /** Compares the messages of these buckets one by one. */
  async #compare(buckets: ReadonlySet<number>): Promise<void> {
    const expected = new Map<string, { readonly partition: string; readonly position: string; readonly digest: number }>();
    await this.#eachOfSource((partition, { position }, digest) => {
      const place = placeOf(partition, position);
      if (buckets.has(bucketOf(place)) && this.#isInWindow(partition, position)) expected.set(place, { partition, position, digest });
    });
    await this.#eachOfTarget((origin, source, record, digest) => {
      const place = placeOf(origin.partition, origin.position);
      if (!buckets.has(bucketOf(place))) return;
      const original = expected.get(place);
      expected.delete(place);
      if (original?.digest === digest) return;
      const kind = original === undefined ? "extra" : "changed";
      this.#count[kind] += 1;
      this.#differs(kind, origin.partition, origin.position, source.positionOf(record.position));
    }, false);
    this.#count.missing += expected.size;
    for (const { partition, position } of expected.values()) this.#differs("missing", partition, position, null);
  }

  /** Each message that a copy must carry. @returns where the reading ended */
  async #eachOfSource(
    visit: (partition: string, record: StoredRecord, digest: number) => void,
  ): Promise<ReadonlyMap<string, PartitionPlace>> {
    const reader = new RecordReader(this.#source.context, { until: "now" });
    for await (const { source, records } of reader.batches(this.#signal)) {
      const { partition } = source;
      for (const record of records) {
        if (record.headers.length > 0 && provenanceTrail(record.headers).copies.some((copy) => copy.source === this.#target.id)) continue;
        visit(partition, record, this.#digests.of(placeOf(partition, record.position), record));
      }
    }
    return reader.places;
  }

  /** Each message of the window that comes from the source, at its first occurrence. */
  async #eachOfTarget(
    visit: (origin: Provenance, source: MessageSource, record: StoredRecord, digest: number) => void,
    countsDuplicates: boolean,
  ): Promise<void> {
    const seen = new SeenMessages();
    const reader = new RecordReader(this.#target.context, { until: "now" });
    for await (const { source, records } of reader.batches(this.#signal)) {
      for (const record of records) {
        const trail = provenanceTrail(record.headers);
        const origin = trail.copies.at(-1);
        if (origin?.source !== this.#source.id || !this.#isInWindow(origin.partition, origin.position)) continue;
        if (!seen.add(origin.partition, origin.position, origin.ordinal)) {
          if (countsDuplicates) this.#count.duplicates += 1;
          continue;
        }
        const { key, value } = record;
        const content = { key, value, headers: withoutProvenance(record.headers, trail), timestampMs: origin.timestampMs };
        visit(origin, source, record, this.#digests.of(placeOf(origin.partition, origin.position), content));
      }
    }
  }

  /** Whether the source had it when it was read: retention has not removed it before, and it was not stored later. */
  #isInWindow(partition: string, position: string): boolean {
    const window = this.#windows.get(partition);
    if (window === undefined) return false;
    const { context } = this.#source;
    if (context.capabilities.orderingUnit === "key") return true;
    if (context.driver.compare(position, window.first) < 0) return false;
    const { end } = window;
    if (end.kind !== "at" && end.kind !== "after") return true;
    const order = context.driver.compare(position, end.position);
    return end.kind === "at" ? order < 0 : order <= 0;
  }

  #differs(kind: Difference["kind"], partition: string, position: string, targetPosition: Position | null): void {
    const { context, identity } = this.#source;
    this.#first ??= {
      kind,
      partition,
      sourcePosition: encodePosition({ provider: context.provider, ...identity, partition, position }),
      targetPosition,
    };
  }
}

function placeOf(partition: string, position: string): string {
  return `${partition}\0${position}`;
}
