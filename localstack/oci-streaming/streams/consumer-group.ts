/** How far a group has come in one partition. */
interface GroupPlace {
  /** Where the next cursor begins. */
  next: bigint;
  /** The last offset that was committed. */
  committed: bigint | null;
}

/** A consumer group of the service. It has no reservations: each of its cursors reads all partitions. */
export class ConsumerGroup {
  readonly name: string;
  readonly #places: Map<string, GroupPlace>;
  #instance = "";
  #reservedUntilMs = 0;

  constructor(name: string, starts: ReadonlyMap<string, bigint>) {
    this.name = name;
    this.#places = new Map([...starts].map(([partition, next]) => [partition, { next, committed: null }]));
  }

  get instance(): string {
    return this.#instance;
  }

  get reservedUntilMs(): number {
    return this.#reservedUntilMs;
  }

  /** Where its next cursor begins, by partition. */
  get starts(): ReadonlyMap<string, bigint> {
    return new Map([...this.#places].map(([partition, { next }]) => [partition, next]));
  }

  committedOffset(partition: string): bigint | null {
    return this.#places.get(partition)?.committed ?? null;
  }

  reserve(instance: string, untilMs: number): void {
    this.#instance = instance;
    this.#reservedUntilMs = untilMs;
  }

  /** @param places where a cursor stands, by partition. Where it has read nothing since, nothing is committed */
  commit(places: ReadonlyMap<string, bigint>): void {
    for (const [partition, next] of places) {
      const place = this.#places.get(partition);
      if (place === undefined || next <= place.next) continue;
      place.next = next;
      place.committed = next - 1n;
    }
  }

  reset(starts: ReadonlyMap<string, bigint>): void {
    for (const [partition, next] of starts) this.#places.set(partition, { next, committed: null });
  }
}
