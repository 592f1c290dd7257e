import type { Assignment } from "../../../src/driver/index.ts";
import type { FetchCursor } from "../fetch/fetch-cursor.ts";
import { type LogPlace, placeFrom } from "../fetch/read-epochs.ts";

/** A partition from when the group gives it to this member until it is given back or lost. */
export class OwnedPartition {
  readonly partition: number;
  /** In which it was got: rises with every owner, since nobody gets what another member of the same generation has. */
  readonly generation: number;
  /** Once the start is known and the sink has been told; `cursor` fetches for it. */
  delivery: { readonly assignment: Assignment; readonly cursor: FetchCursor } | null = null;
  isRevoking = false;
  readonly #started = Promise.withResolvers<void>();

  constructor(partition: number, generation: number) {
    this.partition = partition;
    this.generation = generation;
  }

  /** Resolves when it has been handed to the sink, or will not be. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** For the group, when the record at the offset is the last that has been handled. */
  placeBehind(offset: bigint): LogPlace {
    const next = offset + 1n;
    const epochs = this.delivery?.cursor.epochs;
    epochs?.forgetBefore(next);
    return epochs?.placeAt(next) ?? placeFrom(next);
  }

  startIsOver(): void {
    this.#started.resolve();
  }
}

/** What this member owns now. An ownership that is not in here any more is over, however late something of it comes. */
export class OwnedPartitions {
  readonly #byPartition = new Map<number, OwnedPartition>();

  get all(): readonly OwnedPartition[] {
    return [...this.#byPartition.values()];
  }

  get numbers(): readonly number[] {
    return [...this.#byPartition.keys()].toSorted((a, b) => a - b);
  }

  has(partition: number): boolean {
    return this.#byPartition.has(partition);
  }

  isCurrent(owned: OwnedPartition): boolean {
    return this.#byPartition.get(owned.partition) === owned;
  }

  /** By the object, never by the name. */
  of(assignment: Assignment): OwnedPartition | undefined {
    const owned = this.#byPartition.get(Number(assignment.partition));
    return owned?.delivery?.assignment === assignment ? owned : undefined;
  }

  add(owned: OwnedPartition): void {
    this.#byPartition.set(owned.partition, owned);
  }

  remove(owned: OwnedPartition): void {
    if (this.isCurrent(owned)) this.#byPartition.delete(owned.partition);
  }
}
