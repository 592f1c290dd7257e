import { clearTimeout, setTimeout } from "node:timers";
/** Kafka's names, without those of the moments in which brokers talk to each other. */
export type TransactionState = "Empty" | "Ongoing" | "CompleteCommit" | "CompleteAbort";

export interface TransactionPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What is known of one transactional id: its producer, and the transaction that is open. */
export class Transaction {
  producerId: bigint;
  epoch = 0;
  /** Of the producer that asked for the newest one: it may ask again. */
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

  /** `expire` runs when nobody has ended it in time. */
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
