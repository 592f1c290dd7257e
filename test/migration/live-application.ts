import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type Consumer, text } from "../../src/index.ts";

interface Side {
  readonly connection: Connection;
  readonly topic: string;
}

/** Producers and consumers that work while a topic moves: values are the numbers of each key, from 0. */
export class LiveApplication {
  readonly #keys: readonly string[];
  readonly #sent: Map<string, number>;
  /** By key, the numbers in the order in which they were handled. */
  readonly #handled = new Map<string, number[]>();
  readonly #group: string;
  #producing: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;
  #consuming: { readonly consumers: readonly Consumer<string>[]; readonly done: Promise<unknown> } | null = null;

  constructor(group: string, keys: readonly string[]) {
    this.#group = group;
    this.#keys = keys;
    this.#sent = new Map(keys.map((key) => [key, 0]));
  }

  produce({ connection, topic }: Side): void {
    const stop = new AbortController();
    this.#producing = { stop, done: this.#send(connection.topic(topic, { codec: text() }).producer(), stop.signal) };
  }

  async #send(producer: ReturnType<ReturnType<Connection["topic"]>["producer"]>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const messages = this.#keys.map((key) => {
        const number = this.#sent.get(key)!;
        this.#sent.set(key, number + 1);
        return { key, value: String(number) };
      });
      await producer.sendBatch(messages);
      await sleep(5);
    }
    await producer.close();
  }

  async stopProducing(): Promise<void> {
    this.#producing?.stop.abort();
    await this.#producing?.done;
  }

  /** Two members. */
  consume({ connection, topic }: Side): void {
    const consumers = [0, 1].map(() => connection.topic(topic, { codec: text() }).consumer({ group: this.#group, concurrency: 8 }));
    const running = consumers.map(async (consumer) =>
      consumer.run(async ({ key, value }) => {
        await sleep(Math.random() * 3);
        const numbers = this.#handled.get(key!) ?? [];
        this.#handled.set(key!, numbers);
        numbers.push(Number(value));
      }),
    );
    this.#consuming = { consumers, done: Promise.all(running) };
  }

  async stopConsuming(): Promise<void> {
    await Promise.all(this.#consuming?.consumers.map((consumer) => consumer.close()) ?? []);
    await this.#consuming?.done;
  }

  /** Resolves when so many more have been handled. */
  async handles(messages: number, signal: AbortSignal): Promise<void> {
    const goal = this.#handledCount + messages;
    while (this.#handledCount < goal) await sleep(20, undefined, { signal });
  }

  get #handledCount(): number {
    return [...this.#handled.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Resolves when everything that was sent has been handled. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    while (this.#keys.some((key) => new Set(this.#handled.get(key)).size < this.#sent.get(key)!)) await sleep(50, undefined, { signal });
  }

  get sent(): number {
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What went wrong: numbers that were never handled, first occurrences that came before an earlier one; and how many came more than once. */
  account(): { readonly lost: number; readonly outOfOrder: number; readonly repeats: number } {
    let lost = 0;
    let outOfOrder = 0;
    let repeats = 0;
    for (const key of this.#keys) {
      const numbers = this.#handled.get(key) ?? [];
      const seen = new Set<number>();
      let greatest = -1;
      for (const number of numbers) {
        if (seen.has(number)) repeats += 1;
        else if (number < greatest) outOfOrder += 1;
        seen.add(number);
        greatest = Math.max(greatest, number);
      }
      lost += this.#sent.get(key)! - seen.size;
    }
    return { lost, outOfOrder, repeats };
  }
}
