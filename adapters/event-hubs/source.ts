import { performance } from "node:perf_hooks";
import {
  type CursorRequest,
  type PartitionCursor,
  type PartitionSource,
  type SourceRange,
  type TopicShape,
  startPlaces,
} from "../../src/adapter-kit/index.ts";
import type { DriverGap, PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import { EVENT_HUBS_ERRORS, eventHubsError } from "./errors.ts";
import { inFreeGroup } from "./hubs/free-group.ts";
import type { HubInfo, PartitionInfo } from "./hubs/hub-directory.ts";
import { EventHubsCursor } from "./read/partition-cursor.ts";
import { comparePositions, parsePosition } from "./records.ts";
import type { EventHubsService } from "./service.ts";

const MOST_PORTION_BYTES = 1_048_576;

/** The partitions of one hub, read in one consumer group. */
export class EventHubsSource implements PartitionSource {
  readonly #service: EventHubsService;
  readonly #topic: string;
  readonly #group: string;
  readonly #portionBytes: number;
  /** When it was made: what its caller has seen before, the service has stored before. */
  readonly #madeMs = performance.now();

  /** @param bufferedBytes about how much its reader takes at once */
  constructor(service: EventHubsService, topic: string, group: string, bufferedBytes = MOST_PORTION_BYTES) {
    this.#service = service;
    this.#topic = topic;
    this.#group = group;
    this.#portionBytes = Math.min(bufferedBytes, MOST_PORTION_BYTES);
  }

  async describe(signal: AbortSignal): Promise<TopicShape> {
    const { identity, partitions } = await this.#service.directory.hub(this.#topic, signal);
    return { identity, partitions: asChildren(partitions) };
  }

  async resolve(start: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const askedMs = performance.now();
    const hub = await this.#service.directory.hub(this.#topic, signal);
    const asked = startPlaces({ topic: this.#topic, partitions: asChildren(hub.partitions) }, start, EVENT_HUBS_ERRORS);
    return new Map(
      await Promise.all(
        [...asked].map(async ([partition, place]) => [partition, await this.#placeOf(partition, place, askedMs, signal)] as const),
      ),
    );
  }

  async #placeOf(partition: string, place: PartitionPlace, askedMs: number, signal: AbortSignal): Promise<PartitionPlace> {
    const topic = this.#topic;
    if (place.kind === "mark") throw eventHubsError("invalid-argument", "Event Hubs keeps no marks", { topic, partition });
    if (place.kind === "ended") return place;
    if (place.kind === "at" || place.kind === "after") parsePosition(place.position);
    const info = await this.#service.directory.partitionSince(askedMs, topic, partition, signal);
    switch (place.kind) {
      case "earliest":
        return at(info.begin);
      case "latest":
        return at(info.next);
      case "timestamp":
        return this.#placeOfTime(partition, place.timestampMs, info, signal);
      case "at":
      case "after": {
        const { sequenceNumber } = parsePosition(place.position);
        if (sequenceNumber + (place.kind === "after" ? 1 : 0) <= info.next) return place;
        const text = `the position ${sequenceNumber} is behind the end of the partition, whose next event is ${info.next}`;
        throw eventHubsError("position-out-of-range", text, { topic, partition });
      }
    }
  }

  /** The first event stored at or after the time is looked at; where there is none, the end is meant. */
  async #placeOfTime(partition: string, timestampMs: number, info: PartitionInfo, signal: AbortSignal): Promise<PartitionPlace> {
    if (info.lastStoredMs === null || info.lastStoredMs < timestampMs) return at(info.next);
    return inFreeGroup([this.#service.readerGroup, this.#group], (group) => this.#firstSince(partition, timestampMs, group, signal));
  }

  async #firstSince(partition: string, timestampMs: number, group: string, signal: AbortSignal): Promise<PartitionPlace> {
    const place = { kind: "timestamp", timestampMs } as const;
    const cursor = new EventHubsCursor(this.#service, {
      topic: this.#topic,
      group,
      partition,
      place,
      epoch: null,
      portionBytes: 1,
      firstInfo: (within) => this.#info(partition, within),
    });
    try {
      for (;;) {
        const found = await cursor.fetch(signal);
        if (found.kind === "records") return at(parsePosition(found.records[0]!.position).sequenceNumber);
        if (found.kind === "unreadable") return at(parsePosition(found.range.first).sequenceNumber);
        if (found.kind === "caught-up") return at((await this.#service.directory.partition(this.#topic, partition, signal)).next);
      }
    } finally {
      await cursor.close();
    }
  }

  async gaps(ranges: readonly SourceRange[], signal: AbortSignal): Promise<ReadonlyMap<string, DriverGap>> {
    const entries = await Promise.all(
      ranges.map(async ({ partition, asked, start, end }) => {
        if ((asked.kind !== "at" && asked.kind !== "after") || (start.kind !== "at" && start.kind !== "after")) return [];
        const { begin } = await this.#info(partition, signal);
        const first = parsePosition(start.position).sequenceNumber + (start.kind === "after" ? 1 : 0);
        const behind = end?.kind === "before" || end?.kind === "through" ? parsePosition(end.position).sequenceNumber : Infinity;
        const missing = Math.min(begin, behind + (end?.kind === "through" ? 1 : 0)) - first;
        return missing <= 0 ? [] : [[partition, { resumesAt: at(begin), missing }] as const];
      }),
    );
    return new Map(entries.flat());
  }

  /** As it was when this source asked for it, where that is not long ago. What retention removes meanwhile is found when it does not come. */
  #info(partition: string, signal: AbortSignal): Promise<PartitionInfo> {
    return this.#service.directory.partitionSince(this.#madeMs, this.#topic, partition, signal);
  }

  open({ partition, place, epoch }: CursorRequest): PartitionCursor {
    const [topic, group, portionBytes] = [this.#topic, this.#group, this.#portionBytes];
    const firstInfo = (signal: AbortSignal): Promise<PartitionInfo> => this.#info(partition, signal);
    return new EventHubsCursor(this.#service, { topic, group, partition, place, epoch, portionBytes, firstInfo });
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }
}

function at(sequenceNumber: number): { readonly kind: "at"; readonly position: string } {
  return { kind: "at", position: String(sequenceNumber) };
}

function asChildren(partitions: HubInfo["partitions"]): TopicShape["partitions"] {
  return partitions.map((partition) => ({ partition, parents: [] }));
}
