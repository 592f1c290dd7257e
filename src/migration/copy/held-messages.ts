import type { StoredRecord } from "../../driver/record.ts";
import { StreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import type { PartitionPlace, PositionPlace } from "../../position/place.ts";
import { ignoreRejection } from "../../promise-like.ts";
import { type Provenance, type ProvenanceTrail, provenanceTrail } from "../../provenance.ts";
import type { Bookmark } from "../../tokens.ts";
import { partitionHash, placeHash } from "../digest/place-hash.ts";
import type { RecordDigests } from "../digest/record-digests.ts";
import { readerBehind } from "../records-from.ts";
import type { OpenSide } from "../side.ts";
import { isBehind } from "./place-order.ts";

/** A message that the target holds. */
export interface HeldMessage {
  /** `null`: messages of this source have none. */
  readonly ordinal: string | null;
  /** By `RecordDigests`; `null` where a position never names another message: in a source without an order in its partitions. */
  readonly digest: number | null;
}

/** What the target holds of one partition of the source, behind the place that the copy has reached there. */
export interface HeldMessages {
  /** By position. */
  readonly messages: Map<string, HeldMessage>;
  /** By key, the position of the last of them. Only what is written one after the other: without a key, where one partition of the target gets all of them. */
  readonly lastByKey: ReadonlyMap<string | null, string>;
  /** The partition of the target that has the last message without a key, behind the place or before it; `null`: none was found. */
  readonly keylessTo: string | null;
  /** The one with the greatest ordinal up to the place; `null`: none was found. */
  readonly last: { readonly position: string; readonly ordinal: bigint } | null;
  /** The retention of the target has passed the bookmark: some of what lay behind it is gone. */
  readonly hasGap: boolean;
}

/** Of a message, for `HeldMessages.lastByKey`. */
export function heldKey(key: Uint8Array | null): string | null {
  return key === null ? null : Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

interface Search {
  readonly partition: string;
  readonly place: PositionPlace | null;
  readonly messages: Map<string, HeldMessage>;
  readonly lastByKey: Map<string | null, string>;
  keylessTo: string | null;
  lastKeyless: string | null;
  last: HeldMessages["last"];
  hasGap: boolean;
}

/** Of the writer of the copy, what the reading of the target needs, and needs to tell. */
export interface HeldMessagesWriter {
  /** Messages without a key go to one partition of the target for each of the source. */
  readonly choosesPartition: boolean;
  /** The target was read up to here. */
  saw(places: ReadonlyMap<string, PartitionPlace>): void;
}

/** A copy that has lost its checkpoints and its group, and finds more than so many messages, would need too much memory. */
const MOST_HELD = 5_000_000;
/** A source that settles single messages has no checkpoints: of what was copied from it, so many of the last ones are kept. Those are the ones that may come again. */
const MOST_UNORDERED = 1_000_000;
/** One of such a source. */
export const UNORDERED: HeldMessage = Object.freeze({ ordinal: null, digest: null });

/** Finds in the target what this copy has written before. Searches that begin at the same bookmark share one reading. */
export class HeldMessagesReader {
  readonly #source: OpenSide;
  readonly #target: OpenSide;
  readonly #digests: RecordDigests;
  readonly #signal: AbortSignal;
  readonly #writer: HeldMessagesWriter;
  readonly #mostOrdered: number;
  readonly #mostUnordered: number;
  readonly #waiting = new Map<Bookmark | null, { readonly searches: Search[]; readonly done: Promise<void> }>();
  #tail: Promise<void> = Promise.resolve();

  constructor(
    source: OpenSide,
    target: OpenSide,
    digests: RecordDigests,
    signal: AbortSignal,
    writer: HeldMessagesWriter,
    { mostOrdered = MOST_HELD, mostUnordered = MOST_UNORDERED }: { mostOrdered?: number; mostUnordered?: number } = {},
  ) {
    this.#source = source;
    this.#target = target;
    this.#digests = digests;
    this.#signal = signal;
    this.#writer = writer;
    this.#mostOrdered = mostOrdered;
    this.#mostUnordered = mostUnordered;
  }

  /**
   * @param bookmark of the target; `null`: its beginning
   * @param place up to which the target is known to hold everything; `null`: nothing is known
   * @throws `position-out-of-range` where the target was cut before the bookmark · `position-mismatch` · `conflict` for too many messages
   */
  async find(partition: string, bookmark: Bookmark | null, place: PositionPlace | null): Promise<HeldMessages> {
    const found = { keylessTo: null, lastKeyless: null, last: null, hasGap: false };
    const search: Search = { partition, place, messages: new Map(), lastByKey: new Map(), ...found };
    let reading = this.#waiting.get(bookmark);
    if (reading === undefined) {
      const searches: Search[] = [];
      const done = this.#searchAfter(this.#tail, bookmark, searches);
      reading = { searches, done };
      this.#waiting.set(bookmark, reading);
      this.#tail = ignoreRejection(done);
    }
    reading.searches.push(search);
    await reading.done;
    return search;
  }

  async #searchAfter(former: Promise<void>, bookmark: Bookmark | null, searches: readonly Search[]): Promise<void> {
    await former;
    this.#waiting.delete(bookmark);
    await this.#search(bookmark, searches);
  }

  async #search(bookmark: Bookmark | null, searches: readonly Search[]): Promise<void> {
    const byPartition = new Map(searches.map((search) => [search.partition, search]));
    const onGap = (): void => searches.forEach((search) => (search.hasGap = true));
    const reader = readerBehind(this.#target, bookmark, onGap);
    for await (const { source, records } of reader.batches(this.#signal)) {
      for (const record of records) {
        const trail = provenanceTrail(record.headers);
        const origin = trail.copies.at(-1);
        if (origin?.source !== this.#source.id) continue;
        const search = byPartition.get(origin.partition);
        if (search === undefined) continue;
        this.#note(search, record, trail, origin);
        if (record.key === null) this.#noteKeyless(search, origin.position, source.partition);
      }
    }
    this.#writer.saw(reader.places);
  }

  #note(search: Search, { key, value, headers }: StoredRecord, trail: ProvenanceTrail, origin: Provenance): void {
    const { position, ordinal, timestampMs } = origin;
    const { messages } = search;
    if (ordinal === null) {
      messages.set(position, UNORDERED);
      if (messages.size > this.#mostUnordered) messages.delete(messages.keys().next().value!);
    } else if (search.place === null || isBehind(position, search.place, this.#source.compare)) {
      const place = placeHash(partitionHash(search.partition), position);
      const content = { key, value, headers, timestampMs };
      messages.set(position, { ordinal, digest: this.#digests.of(place, content, trail.lastIndex) });
      if (messages.size > this.#mostOrdered) throw this.#tooMany(search.partition);
      this.#noteKey(search, key, position);
    } else if (search.last === null || BigInt(ordinal) > search.last.ordinal) search.last = { position, ordinal: BigInt(ordinal) };
  }

  #noteKey({ lastByKey }: Search, key: Uint8Array | null, position: string): void {
    if (key === null && !this.#writer.choosesPartition) return;
    const name = heldKey(key);
    const before = lastByKey.get(name);
    if (before === undefined || this.#source.compare(position, before) > 0) lastByKey.set(name, position);
  }

  #noteKeyless(search: Search, position: string, target: string): void {
    if (search.lastKeyless !== null && this.#source.compare(position, search.lastKeyless) < 0) return;
    search.lastKeyless = position;
    search.keylessTo = target;
  }

  #tooMany(partition: string): StreamError {
    const text =
      `the target holds more than ${this.#mostOrdered} messages of partition ${showName(partition)} of the source, and neither the group nor a checkpoint says ` +
      "how far the copy has come; give the checkpoints of the former copy, or put the group where it stopped";
    return new StreamError("conflict", text, { topic: this.#target.context.topic, operation: "copy" });
  }
}
