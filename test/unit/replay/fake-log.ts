import type { ChildPartition } from "../../../src/driver/consumer-driver.ts";
import type { RangePartition, RangeRequest, ReaderDriver, ReaderSink, ResolvedRange } from "../../../src/driver/reader-driver.ts";
import type { StoredRecord } from "../../../src/driver/record.ts";
import { StreamError } from "../../../src/errors.ts";
import type { DriverGap, PartitionEnd, PartitionPlace, Place, StartPoint } from "../../../src/position/place.ts";
import type { TopicIdentity } from "../../../src/position/position.ts";

export const IDENTITY: TopicIdentity = { cluster: "cluster-1", topic: "native-topic", incarnation: "first" };

export const positionAt = (index: number): string => String(index).padStart(6, "0");
const indexOf = (position: string): number => Number(position);

export interface FakePartition {
  records: StoredRecord[];
  parents: string[];
  /** Set: the shard is closed. */
  children: ChildPartition[] | null;
  /** First index that still exists. */
  trimmedTo: number;
}

export function fakeRecord(index: number, value: string | null, timestampMs = index): StoredRecord {
  const bytes = value === null ? null : Buffer.from(value);
  return {
    key: Buffer.from(`key-${index}`),
    value: bytes,
    headers: [],
    timestampMs,
    position: positionAt(index),
    bytes: 10 + (bytes?.length ?? 0),
    deliveryAttempt: null,
    native: undefined,
  };
}

/** A log in memory whose reader behaves as the contract says, and whose every step a test may replace. */
export class FakeLog {
  readonly partitions = new Map<string, FakePartition>();
  readonly requests: RangeRequest[] = [];
  readonly reads: string[][] = [];
  /** Records a delivery. */
  chunk = 3;
  endKind: "position" | "caught-up" | "quiet" = "position";
  closedReaders = 0;
  openReaders = 0;
  /** What a driver's reader waits for before it is closed. */
  closing: Promise<void> | undefined;
  deliveredRecords = 0;
  /** Runs before each delivery. */
  beforeDelivery: (partition: string, sink: ReaderSink) => Promise<void> = async () => {};

  constructor(...names: string[]) {
    for (const name of names) this.add(name);
  }

  add(name: string, parents: string[] = []): FakePartition {
    const partition: FakePartition = { records: [], parents, children: null, trimmedTo: 0 };
    this.partitions.set(name, partition);
    return partition;
  }

  /** Values are `<partition>:<index>` unless given. */
  fill(name: string, count: number, timestampOf: (index: number) => number = (index) => index): void {
    const { records } = this.partition(name);
    for (let more = 0; more < count; more++) {
      const index = records.length;
      records.push(fakeRecord(index, JSON.stringify(`${name}:${index}`), timestampOf(index)));
    }
  }

  partition(name: string): FakePartition {
    const found = this.partitions.get(name);
    if (found === undefined) throw new StreamError("invalid-argument", `no partition ${name}`);
    return found;
  }

  reader(): ReaderDriver {
    this.openReaders += 1;
    return {
      resolve: (request) => this.resolve(request),
      read: (partitions, sink, signal) => this.read(partitions, sink, signal),
      close: async () => {
        if (this.closing !== undefined) await this.closing;
        this.closedReaders += 1;
        this.openReaders -= 1;
      },
    };
  }

  async resolve(request: RangeRequest): Promise<ResolvedRange> {
    this.requests.push(request);
    const { from, until } = request;
    const untilPlaces = until?.kind === "places" ? until.places : null;
    const names = (request.partitions ?? [...this.partitions.keys()]).filter(
      (name) =>
        (untilPlaces?.has(name) ?? true) &&
        !(from.kind === "places" && from.places.get(name)?.kind === "ended") &&
        !(from.kind === "position" && from.partition !== name),
    );
    const partitions = names.map((name): RangePartition => {
      const { records, trimmedTo, parents } = this.partition(name);
      const wanted = placeIn(from, name);
      const first = this.#indexOf(name, wanted as Place);
      const gap: DriverGap | null =
        wanted.kind !== "earliest" && wanted.kind !== "timestamp" && first < trimmedTo
          ? { resumesAt: { kind: "at", position: positionAt(trimmedTo) }, missing: trimmedTo - first }
          : null;
      const start = gap === null ? Math.max(first, trimmedTo) : first;
      let end: PartitionEnd = null;
      if (until?.kind === "now")
        end = this.endKind === "position" ? { kind: "before", position: positionAt(records.length) } : { kind: this.endKind };
      else if (until?.kind === "timestamp")
        end = this.endKind === "position" ? { kind: "before", position: positionAt(this.#indexOf(name, until)) } : until;
      else if (untilPlaces !== null) {
        const place = untilPlaces.get(name)!;
        if (place.kind === "after") end = { kind: "through", position: place.position };
        else if (place.kind === "ended") end = null;
        else end = { kind: "before", position: positionAt(this.#indexOf(name, place)) };
      }
      return {
        partition: name,
        start: { kind: "at", position: positionAt(start) },
        end,
        parents: parents.filter((parent) => names.includes(parent)),
        gap,
      };
    });
    return { identity: IDENTITY, partitions };
  }

  #indexOf(name: string, place: Place): number {
    const { records } = this.partition(name);
    if (place.kind === "earliest") return this.partition(name).trimmedTo;
    if (place.kind === "latest") return records.length;
    if (place.kind === "mark") throw new StreamError("invalid-argument", "no marks");
    if ("position" in place) return indexOf(place.position) + (place.kind === "at" ? 0 : 1);
    const found = records.findIndex((record) => record.timestampMs >= place.timestampMs);
    return found === -1 ? records.length : found;
  }

  async read(partitions: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    this.reads.push(partitions.map(({ partition }) => partition));
    await Promise.all(partitions.map((partition) => this.#readOne(partition, sink, signal)));
  }

  async #readOne(range: RangePartition, sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const partition = this.partition(range.partition);
    let next = this.#indexOf(range.partition, range.start);
    while (!signal.aborted) {
      await this.beforeDelivery(range.partition, sink);
      if (signal.aborted) return;
      const chunk = partition.records.slice(next, next + this.chunk);
      if (chunk.length > 0) {
        next += chunk.length;
        this.deliveredRecords += chunk.length;
        if (!(await sink.deliver(range.partition, chunk))) return;
        continue;
      }
      if (partition.children !== null) return sink.ended(range.partition, partition.children);
      if (!sink.caughtUp(range.partition)) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 2);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
      });
    }
  }
}

function placeIn(from: StartPoint, partition: string): PartitionPlace {
  if (from.kind === "position") return from.place;
  return from.kind === "places" ? (from.places.get(partition) ?? { kind: "earliest" }) : from;
}
