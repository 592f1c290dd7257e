import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type ConsumerOptions, json } from "../../src/index.ts";

interface Parcel {
  readonly key: string;
  /** Rises within the key. */
  readonly sequence: number;
}

interface Handled extends Parcel {
  readonly member: string;
  readonly partition: string;
  readonly epoch: string | null;
}

export interface GroupMember {
  readonly name: string;
  /** Rejects with the failure that ended it. */
  readonly running: Promise<void>;
  readonly partitions: readonly string[];
  close(): Promise<void>;
}

/** Sends numbered messages and records how members of groups handle them. */
export class GroupWatch {
  readonly handled: Handled[] = [];
  /** Keys with two handlers at the same time. */
  readonly overlaps: string[] = [];
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #sent = new Map<string, number>();
  readonly #busyKeys = new Set<string>();
  readonly #members = new Set<GroupMember>();

  constructor(connection: Connection, topic: string) {
    this.#connection = connection;
    this.#topic = topic;
  }

  #open() {
    return this.#connection.topic(this.#topic, { codec: json<Parcel>(), key: (parcel) => parcel.key });
  }

  /** Sends `count` messages, to one key after the other. */
  async send(count: number, keys = 24): Promise<void> {
    const producer = this.#open().producer();
    const batch = Array.from({ length: count }, (_, index) => {
      const key = `key-${index % keys}`;
      const sequence = this.#sent.get(key) ?? 0;
      this.#sent.set(key, sequence + 1);
      return { value: { key, sequence } };
    });
    await producer.sendBatch(batch);
    await producer.close();
  }

  /** Sends small batches until `during` has settled. */
  async sendWhile(during: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = during.finally(() => {
      isOver = true;
    });
    do {
      await this.send(24);
      await sleep(10);
    } while (!isOver);
    await over;
  }

  join(name: string, options: Partial<ConsumerOptions> = {}, handlingMs = 0): GroupMember {
    const consumer = this.#open().consumer({ group: "workers", sessionTimeoutMs: 2_000, concurrency: 16, ...options });
    const running = consumer.run(async ({ value, partition }, { epoch }) => {
      if (this.#busyKeys.has(value.key)) this.overlaps.push(value.key);
      this.#busyKeys.add(value.key);
      if (handlingMs > 0) await sleep(handlingMs);
      this.#busyKeys.delete(value.key);
      this.handled.push({ ...value, member: name, partition: partition ?? "", epoch });
    });
    // A test that needs the failure awaits `running` itself.
    running.catch(() => undefined);
    const member: GroupMember = {
      name,
      running,
      get partitions() {
        return consumer.assigned;
      },
      close: async () => {
        this.#members.delete(member);
        await consumer.close();
      },
    };
    this.#members.add(member);
    return member;
  }

  get sentCount(): number {
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The first occurrences of messages by key, in the order of handling. */
  get sequences(): ReadonlyMap<string, readonly number[]> {
    const sequences = new Map<string, number[]>();
    for (const { key, sequence } of this.handled) {
      const seen = sequences.get(key) ?? [];
      if (!seen.includes(sequence)) seen.push(sequence);
      sequences.set(key, seen);
    }
    return sequences;
  }

  /** The expected order: all sent messages by key. */
  get expected(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#sent].map(([key, count]) => [key, Array.from({ length: count }, (_, sequence) => sequence)]));
  }

  get repeats(): number {
    return this.handled.length - new Set(this.handled.map(({ key, sequence }) => `${key} ${sequence}`)).size;
  }

  /** Has every sent message been handled at least once? */
  async complete(timeLimitMs = 15_000): Promise<void> {
    await until(() => this.handled.length - this.repeats >= this.sentCount, `${this.sentCount} messages handled`, timeLimitMs);
  }

  /** Sends one message to each of a number of partitions, and waits until they are handled. This shows that the assignments are complete. */
  async shared(members: readonly GroupMember[], sizes: readonly number[]): Promise<void> {
    const isShared = (): boolean => {
      const now = members.map(({ partitions }) => partitions.length).toSorted((a, b) => a - b);
      return now.join() === sizes.join();
    };
    await until(isShared, `partitions shared out as ${sizes.join(", ")}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.close()));
  }
}

export async function until(condition: () => boolean | Promise<boolean>, what: string, timeLimitMs = 15_000): Promise<void> {
  const endsAtMs = performance.now() + timeLimitMs;
  while (!(await condition())) {
    if (performance.now() > endsAtMs) throw new Error(`waited ${timeLimitMs} ms without success for: ${what}`);
    await sleep(5);
  }
}
