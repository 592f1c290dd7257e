import type { Assignment } from "../../../src/driver/index.ts";
import type { OwnedDelivery } from "./owned-delivery.ts";

/** One ownership of a partition, from the assignment by the group until the partition is released or lost. */
export class OwnedPartition {
  readonly partition: number;
  /** The generation that assigned it. It rises with every owner: in one generation a partition never changes its owner. */
  readonly generation: number;
  #delivery: OwnedDelivery | null = null;
  #isRevoking = false;
  readonly #started = Promise.withResolvers<void>();

  constructor(partition: number, generation: number) {
    this.partition = partition;
    this.generation = generation;
  }

  /** Absent until the start offset is known and the sink has received the assignment. */
  get delivery(): OwnedDelivery | null {
    return this.#delivery;
  }

  get isRevoking(): boolean {
    return this.#isRevoking;
  }

  /** The sink has received the assignment. */
  delivering(delivery: OwnedDelivery): void {
    this.#delivery = delivery;
  }

  /** The group has assigned the partition to another member. */
  revoking(): void {
    this.#isRevoking = true;
  }

  /** Resolves when the sink has received the assignment, or when it will never receive it. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  startIsOver(): void {
    this.#started.resolve();
  }
}

/** The ownerships that this member has now. An ownership that was removed is over, also for late calls. */
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

  /** Compares the assignment by identity: an earlier assignment of the same partition is not a match. */
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
