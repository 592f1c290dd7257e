import type { CursorRequest, Fetched, PartitionCursor, PartitionSource, TopicShape } from "../../../src/adapter-kit/index.ts";
import type { ChildPartition, DriverGap, PartitionPlace, StartPoint, StoredRecord } from "../../../src/driver/index.ts";

export const record = (position: number): StoredRecord => ({
  key: null,
  value: null,
  headers: [],
  timestampMs: position,
  position: String(position),
  bytes: 1,
  deliveryAttempt: null,
  native: null,
});

export const records = (...positions: number[]): Fetched => ({ kind: "records", records: positions.map(record) });
export const caughtUp: Fetched = { kind: "caught-up", emptyUntilMs: null };

/** Answers one entry of a script for each fetch, then waits for an abort. An error is thrown; a promise is awaited. */
export class ScriptedCursor implements PartitionCursor {
  readonly #script: readonly (Fetched | Error | Promise<Fetched>)[];
  fetches = 0;
  atOnce = 0;
  mostAtOnce = 0;
  closed = 0;

  constructor(script: readonly (Fetched | Error | Promise<Fetched>)[]) {
    this.#script = script;
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      const next = this.#script[this.fetches++];
      if (next instanceof Error) throw next;
      if (next !== undefined) return await next;
      return await new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    } finally {
      this.atOnce -= 1;
    }
  }

  async close(): Promise<void> {
    if (this.atOnce > 0) throw new Error("closed during a fetch");
    this.closed += 1;
  }
}

/** A topic whose partitions answer from scripts. Positions are numbers; `latest` is `end`. */
export class ScriptedSource implements PartitionSource {
  partitions: ChildPartition[];
  readonly scripts = new Map<string, (Fetched | Error)[]>();
  readonly opened: CursorRequest[] = [];
  readonly cursors: ScriptedCursor[] = [];
  readonly found = new Map<string, DriverGap>();
  end = 10;
  /** Thrown by the next calls of `describe`. */
  failures: Error[] = [];
  /** What `resolve` answers for a time. */
  timed: PartitionPlace = { kind: "at", position: "5" };

  constructor(...names: string[]) {
    this.partitions = names.map((partition) => ({ partition, parents: [] }));
  }

  async describe(): Promise<TopicShape> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return { identity: { cluster: "c", topic: "orders", incarnation: "1" }, partitions: [...this.partitions] };
  }

  async resolve(start: StartPoint): Promise<ReadonlyMap<string, PartitionPlace>> {
    return new Map(this.partitions.map(({ partition }) => [partition, this.#placeOf(start, partition)]));
  }

  #placeOf(start: StartPoint, partition: string): PartitionPlace {
    if (start.kind === "places") return start.places.get(partition) ?? { kind: "earliest" };
    if (start.kind === "position") return start.partition === partition ? start.place : { kind: "earliest" };
    if (start.kind === "latest") return { kind: "at", position: String(this.end) };
    return start.kind === "timestamp" ? this.timed : { kind: "at", position: "0" };
  }

  async gaps(): Promise<ReadonlyMap<string, DriverGap>> {
    return this.found;
  }

  open(request: CursorRequest): PartitionCursor {
    this.opened.push(request);
    const cursor = new ScriptedCursor(this.scripts.get(request.partition) ?? []);
    this.cursors.push(cursor);
    return cursor;
  }

  compare(a: string, b: string): number {
    return Number(a) - Number(b);
  }
}
