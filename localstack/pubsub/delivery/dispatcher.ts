import { clearImmediate, setImmediate } from "node:timers";
import type { Consumer } from "./consumer.ts";
import type { Entry } from "./entry.ts";
import { Lane } from "./lane.ts";
import { Queue } from "./queue.ts";

/** How many messages of one ordering key go to a consumer before others have a turn. */
const LANE_TURN = 100;

/**
 * Hands the messages that wait to the consumers, in turns. Messages of an ordering key are for the consumer that has the outstanding ones of
 * the key; if that is gone, for one with the same client id, else for nobody until they are acknowledged or their deadlines have passed.
 */
export class Dispatcher {
  readonly #lease: (entry: Entry, consumer: Consumer) => boolean;
  readonly #consumers = new Map<Consumer, Queue<Lane>>();
  readonly #ready = new Queue<Entry | Lane>();
  /** Gets nothing in the next round if others can take it. */
  #last: Consumer | null = null;
  #turn = 0;
  #scheduled: NodeJS.Immediate | null = null;

  /** @param lease delivers the entry. `false`: it is not to be delivered any more */
  constructor(lease: (entry: Entry, consumer: Consumer) => boolean) {
    this.#lease = lease;
  }

  get consumers(): readonly Consumer[] {
    return [...this.#consumers.keys()];
  }

  /** @param lanes all of the subscription */
  add(consumer: Consumer, lanes: Iterable<Lane>): void {
    this.#consumers.set(consumer, new Queue());
    if (consumer.clientId !== "") for (const lane of lanes) this.queueLane(lane);
    this.schedule();
  }

  remove(consumer: Consumer): void {
    const own = this.#consumers.get(consumer);
    this.#consumers.delete(consumer);
    if (this.#last === consumer) this.#last = null;
    for (let lane = own?.shift(); lane !== undefined; lane = own?.shift()) {
      lane.isQueued = false;
      this.queueLane(lane);
    }
  }

  queueEntry(entry: Entry): void {
    this.#ready.push(entry);
    this.schedule();
  }

  /** Queues the lane if it has something for somebody. */
  queueLane(lane: Lane): void {
    if (lane.isQueued || lane.deliverable === null) return;
    const queue = this.#queueOf(lane);
    if (queue === null) return;
    lane.isQueued = true;
    queue.push(lane);
    this.schedule();
  }

  /** @returns `null`: nobody may have it now */
  #queueOf(lane: Lane): Queue<Entry | Lane> | null {
    const { holder } = lane;
    if (holder === null || lane.outstanding === 0) return this.#ready;
    if (holder.isSingle) return null;
    const own = this.#consumers.get(holder);
    if (own !== undefined) return own;
    if (holder.clientId === "") return null;
    const successor = this.consumers.find(({ clientId }) => clientId === holder.clientId);
    if (successor === undefined) return null;
    lane.holder = successor;
    return this.#consumers.get(successor)!;
  }

  /** The others are asked first from now on. */
  postpone(consumer: Consumer): void {
    this.#last = consumer;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#ready.clear();
    for (const own of this.#consumers.values()) own.clear();
  }

  schedule(): void {
    if (this.#scheduled !== null || this.#consumers.size === 0) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = null;
      this.#round();
    });
  }

  close(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    this.clear();
  }

  #round(): void {
    const prepared: Consumer[] = [];
    let takers = this.#inTurn();
    while (takers.length > 0) {
      takers = takers.filter((consumer) => this.#next(consumer, prepared));
      if (takers.length === 0 && this.#last !== null) {
        takers = [this.#last];
        this.#last = null;
      }
    }
    this.#last = null;
    for (const consumer of prepared) consumer.flush();
  }

  #inTurn(): Consumer[] {
    const all = this.consumers;
    this.#turn += 1;
    const first = this.#turn % all.length;
    const inTurn = [...all.slice(first), ...all.slice(0, first)];
    return all.length > 1 ? inTurn.filter((consumer) => consumer !== this.#last) : inTurn;
  }

  /** @returns whether the consumer got something and may get more */
  #next(consumer: Consumer, prepared: Consumer[]): boolean {
    const own = this.#consumers.get(consumer);
    if (own === undefined || !consumer.hasRoom) return false;
    const next = this.#takeFor(consumer, own);
    if (next === undefined) return false;
    if (!prepared.includes(consumer)) {
      if (!consumer.prepare()) {
        this.#putBack(next);
        return false;
      }
      prepared.push(consumer);
    }
    if (next instanceof Lane) this.#deliverLane(next, consumer);
    else this.#lease(next, consumer);
    return true;
  }

  #takeFor(consumer: Consumer, own: Queue<Lane>): Entry | Lane | undefined {
    for (;;) {
      const next = own.shift() ?? this.#ready.shift();
      if (!(next instanceof Lane)) return next;
      next.isQueued = false;
      if (next.deliverable === null) continue;
      if (this.#isFor(next, consumer)) return next;
      this.queueLane(next);
    }
  }

  #isFor({ holder, outstanding }: Lane, consumer: Consumer): boolean {
    return outstanding === 0 || (holder === consumer && !consumer.isSingle);
  }

  #putBack(next: Entry | Lane): void {
    if (next instanceof Lane) this.queueLane(next);
    else this.queueEntry(next);
  }

  #deliverLane(lane: Lane, consumer: Consumer): void {
    for (let count = 0; count < LANE_TURN && consumer.hasRoom; count += 1) {
      const entry = lane.deliverable;
      if (entry === null) return;
      lane.delivered();
      if (this.#lease(entry, consumer)) lane.holder = consumer;
    }
    this.queueLane(lane);
  }
}
