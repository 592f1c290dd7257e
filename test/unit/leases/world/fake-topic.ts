import type { StoredRecord } from "../../../../src/driver/index.ts";
import type { ChildPartition, PartitionPlace, StartPoint } from "../../../../src/driver/index.ts";
import type { CursorRequest, Fetched, PartitionCursor, PartitionSource, TopicShape } from "../../../../src/leases/index.ts";
import type { Process } from "./virtual-clock.ts";

const PORTION = 10;
const POLL_MS = 1_000;

interface Shard {
  readonly parents: readonly string[];
  readonly children: string[];
  records: number;
  /** The first record that retention has not dropped. */
  first: number;
  isClosed: boolean;
  isListed: boolean;
}

/** The record at an index of a shard. */
type RecordOf = (index: number, shard: string) => StoredRecord;

/** A topic of shards whose records are numbers: the position of the first is "0". */
export class FakeTopic {
  readonly shards = new Map<string, Shard>();
  incarnation = "1";
  exists = true;
  readonly recordOf: RecordOf;
  #next = 0;

  constructor(shards: number, recordOf: RecordOf = recordAt) {
    this.recordOf = recordOf;
    for (let index = 0; index < shards; index += 1) this.#add([]);
  }

  #add(parents: readonly string[]): string {
    const name = `s${this.#next}`;
    this.#next += 1;
    this.shards.set(name, { parents, children: [], records: 0, first: 0, isClosed: false, isListed: true });
    return name;
  }

  get open(): readonly string[] {
    return [...this.shards].filter(([, { isClosed }]) => !isClosed).map(([name]) => name);
  }

  append(shard: string, count: number): void {
    this.shards.get(shard)!.records += count;
  }

  grow(): string {
    return this.#add([]);
  }

  split(shard: string): readonly string[] {
    return this.#close([shard], 2);
  }

  merge(left: string, right: string): readonly string[] {
    return this.#close([left, right], 1);
  }

  #close(parents: readonly string[], count: number): readonly string[] {
    const children = Array.from({ length: count }, () => this.#add(parents));
    for (const parent of parents) {
      this.shards.get(parent)!.isClosed = true;
      this.shards.get(parent)!.children.push(...children);
    }
    return children;
  }

  get shape(): TopicShape {
    const partitions = [...this.shards].filter(([, { isListed }]) => isListed).map(([partition, { parents }]) => ({ partition, parents }));
    return { identity: { cluster: "test", topic: "orders", incarnation: this.incarnation }, partitions };
  }

  resolve(start: StartPoint): ReadonlyMap<string, PartitionPlace> {
    const placeIn = (name: string, shard: Shard): PartitionPlace => {
      if (start.kind === "latest") return shard.isClosed ? { kind: "ended" } : { kind: "at", position: String(shard.records) };
      if (start.kind === "places") return start.places.get(name) ?? { kind: "earliest" };
      if (start.kind === "position" && start.partition === name) return start.place;
      return { kind: "earliest" };
    };
    return new Map([...this.shards].map(([name, shard]) => [name, placeIn(name, shard)]));
  }

  /** The index of a place. */
  indexOf(partition: string, place: PartitionPlace): number {
    if (place.kind === "ended") return Infinity;
    if (place.kind === "at") return Number(place.position);
    if (place.kind === "after") return Number(place.position) + 1;
    return place.kind === "latest" ? this.shards.get(partition)!.records : this.shards.get(partition)!.first;
  }

  childrenOf(partition: string): readonly ChildPartition[] {
    return this.shards.get(partition)!.children.map((child) => ({ partition: child, parents: this.shards.get(child)!.parents }));
  }

  /** As one process sees it. */
  seenBy(process: Process): PartitionSource {
    return {
      describe: () => process.through(Promise.resolve(this.shape)),
      resolve: (start) => process.through(Promise.resolve(this.resolve(start))),
      open: (request) => new FakeCursor(this, process, request),
      compare: (a, b) => Number(a) - Number(b),
    };
  }
}

class FakeCursor implements PartitionCursor {
  readonly #topic: FakeTopic;
  readonly #process: Process;
  readonly #partition: string;
  #index: number;
  #isAtEnd = false;

  constructor(topic: FakeTopic, process: Process, { partition, place }: CursorRequest) {
    this.#topic = topic;
    this.#process = process;
    this.#partition = partition;
    this.#index = topic.indexOf(partition, place);
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    if (this.#isAtEnd) await this.#process.sleep(POLL_MS, signal);
    return this.#process.through(Promise.resolve().then(() => this.#next()));
  }

  #next(): Fetched {
    const { records, isClosed, first } = this.#topic.shards.get(this.#partition)!;
    this.#isAtEnd = false;
    if (this.#index < first) {
      this.#index = first;
      return { kind: "gap", gap: { resumesAt: { kind: "at", position: String(first) }, missing: null } };
    }
    if (this.#index < records) {
      const end = Math.min(records, this.#index + PORTION);
      const found = Array.from({ length: end - this.#index }, (_, offset) => this.#topic.recordOf(this.#index + offset, this.#partition));
      this.#index = end;
      return { kind: "records", records: found };
    }
    if (isClosed) return { kind: "ended", children: this.#topic.childrenOf(this.#partition) };
    this.#isAtEnd = true;
    return { kind: "caught-up", emptyUntilMs: this.#process.wallMs() - 10_000 };
  }

  async close(): Promise<void> {}
}

function recordAt(index: number): StoredRecord {
  return {
    key: null,
    value: null,
    headers: [],
    timestampMs: 0,
    position: String(index),
    bytes: 1,
    deliveryAttempt: null,
    native: null,
  };
}
