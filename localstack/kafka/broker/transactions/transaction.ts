import { clearTimeout, setTimeout } from "node:timers";
/** Kafka's names of the states, without those for the time in which brokers exchange requests. */
export type TransactionState = "Empty" | "Ongoing" | "CompleteCommit" | "CompleteAbort";

export interface TransactionPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The state of one transactional id: its producer and its open transaction. */
export class Transaction {
  producerId: bigint;
  epoch = 0;
  /** Epoch of the producer that requested the current one, because it may retry the request. */
  formerEpoch = -1;
  timeoutMs: number;
  state: TransactionState = "Empty";
  readonly groups = new Set<string>();
  readonly #partitions = new Map<string, TransactionPartition>();
  #timer: NodeJS.Timeout | undefined;

  constructor(producerId: bigint, timeoutMs: number) {
    this.producerId = producerId;
    this.timeoutMs = timeoutMs;
  }

  get partitions(): readonly TransactionPartition[] {
    return [...this.#partitions.values()];
  }

  has(topic: string, partition: number): boolean {
    return this.state === "Ongoing" && this.#partitions.has(`${topic} ${partition}`);
  }

  add(partitions: readonly TransactionPartition[]): void {
    for (const one of partitions) this.#partitions.set(`${one.topic} ${one.partition}`, one);
  }

  /** Begins the transaction. `expire` runs if it does not end in time. */
  begin(expire: () => void): void {
    if (this.state === "Ongoing") return;
    this.state = "Ongoing";
    this.#timer = setTimeout(expire, this.timeoutMs);
  }

  end(state: "CompleteCommit" | "CompleteAbort"): void {
    this.state = state;
    this.#partitions.clear();
    this.groups.clear();
    this.stopTimer();
  }

  stopTimer(): void {
    clearTimeout(this.#timer);
  }
}
