import { type LeaseRow, placeText } from "../../../../src/leases/lease-row.ts";
import type { FakeTopic } from "../world/fake-topic.ts";
import type { LandedWrite } from "../world/hostile-store.ts";

/** A message, as its value names it: `s0:7`. */
export type Name = string;

export function nameOf(partition: string, index: number): Name {
  return `${partition}:${index}`;
}

/**
 * What is true of each message, and what the rows say about it. Notes what must never happen: a message is handed out that a row names as
 * handled, or a row names one that nobody has handled, or ceases to name one although it has room.
 */
export class Ledger {
  readonly violations: string[] = [];
  readonly #topic: FakeTopic;
  readonly #hasRoom: boolean;
  readonly #started = new Map<Name, number>();
  readonly #handled = new Map<Name, number>();
  readonly #settled = new Set<Name>();

  /** @param hasRoom everything fits the rows */
  constructor(topic: FakeTopic, hasRoom: boolean) {
    this.#topic = topic;
    this.#hasRoom = hasRoom;
  }

  started(message: Name, by: string): void {
    if (this.#settled.has(message)) this.violations.push(`${message} is handed out to ${by}, and was stored as handled`);
    this.#started.set(message, (this.#started.get(message) ?? 0) + 1);
  }

  handled(message: Name): void {
    this.#handled.set(message, (this.#handled.get(message) ?? 0) + 1);
  }

  timesStarted(message: Name): number {
    return this.#started.get(message) ?? 0;
  }

  timesHandled(message: Name): number {
    return this.#handled.get(message) ?? 0;
  }

  isSettled(...messages: readonly Name[]): boolean {
    return messages.every((message) => this.#settled.has(message));
  }

  get settledCount(): number {
    return this.#settled.size;
  }

  get isDone(): boolean {
    return [...this.#topic.shards].every(([partition, { records }]) =>
      Array.from({ length: records }, (_, index) => nameOf(partition, index)).every((message) => this.#settled.has(message)),
    );
  }

  landed({ before, after }: LandedWrite): void {
    if (after === null) return;
    // A reset: everything is to be handled once more.
    if (before !== null && before.moved !== after.moved) this.#forget(after.partition);
    const named = new Set(this.#namedIn(after));
    for (const message of this.#settled) {
      if (!isOf(after.partition, message) || named.has(message)) continue;
      if (this.#hasRoom) this.violations.push(`${message} is stored as handled no longer`);
      this.#settled.delete(message);
    }
    for (const message of named) {
      if (!this.#handled.has(message)) this.violations.push(`${message} is stored as handled, and nobody has handled it`);
      this.#settled.add(message);
    }
  }

  #forget(partition: string): void {
    for (const message of this.#settled) if (isOf(partition, message)) this.#settled.delete(message);
    for (const message of this.#handled.keys()) if (isOf(partition, message)) this.#handled.delete(message);
    for (const message of this.#started.keys()) if (isOf(partition, message)) this.#started.delete(message);
  }

  #namedIn({ partition, place, ahead }: LeaseRow): readonly Name[] {
    const begin = Math.min(this.#topic.indexOf(partition, place), this.#topic.shards.get(partition)!.records);
    const before = Array.from({ length: begin }, (_, index) => index);
    if (ahead === null || ahead.of !== placeText(place)) return before.map((index) => nameOf(partition, index));
    const behind = Array.from({ length: Number(ahead.upTo) + 1 - begin }, (_, distance) => begin + distance);
    const handled = behind.filter((index) => !ahead.except.includes(String(index)));
    return [...before, ...handled].map((index) => nameOf(partition, index));
  }
}

function isOf(partition: string, message: Name): boolean {
  return message.startsWith(`${partition}:`);
}
