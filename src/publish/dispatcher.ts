import type { ProducerDriver, SliceResult } from "../driver/producer-driver.ts";
import { type ActiveCall, fillCall } from "./active-call.ts";
import type { Lane } from "./lane.ts";
import { ReadyList } from "./ready-list.ts";

interface Destination {
  readonly ready: ReadyList;
  callsInFlight: number;
}

/** What became of a call: the driver's results, or what it threw. */
export type CallAnswer = { readonly results: readonly SliceResult[] } | { readonly thrown: unknown };

/** Fills calls from ready lanes and makes them, as many at once as the call shape allows for each destination. */
export class Dispatcher {
  readonly #driver: ProducerDriver;
  readonly #unnamedLane: () => Lane;
  readonly #onAnswer: (call: ActiveCall, answer: CallAnswer) => void;
  readonly #destinations = new Map<string, Destination>();
  readonly #calls = new Set<ActiveCall>();

  constructor(driver: ProducerDriver, unnamedLane: () => Lane, onAnswer: (call: ActiveCall, answer: CallAnswer) => void) {
    this.#driver = driver;
    this.#unnamedLane = unnamedLane;
    this.#onAnswer = onAnswer;
  }

  get isIdle(): boolean {
    return this.#destinations.size === 0;
  }

  get hasReady(): boolean {
    for (const destination of this.#destinations.values()) if (destination.ready.size > 0) return true;
    return false;
  }

  /** The lane may go into the next call. @returns whether there is enough for a full call */
  ready(lane: Lane): boolean {
    const destination = this.#destination(this.#nameOf(lane));
    destination.ready.add(lane);
    const { shape } = this.#driver;
    const maxRecords = Math.min(shape.maxCallMessages, shape.maxCallRecords ?? Infinity);
    const maxMessages = lane.name === null ? maxRecords : shape.maxCallMessages;
    const laneIsFull = lane.readyCount >= maxMessages || lane.readyBytes >= shape.maxCallBytes;
    if (shape.lanesPerCall === "one")
      return laneIsFull || lane.readyCount >= shape.maxLaneMessages || lane.readyBytes >= shape.maxLaneBytes;
    return laneIsFull || destination.ready.size >= maxRecords;
  }

  forget(lane: Lane): void {
    lane.readyList?.remove(lane);
  }

  /** Makes the calls that may be made now. */
  flush(): void {
    const { shape } = this.#driver;
    this.#regroup();
    for (const [name, destination] of this.#destinations) {
      while (destination.ready.size > 0 && destination.callsInFlight < shape.maxCallsInFlight) {
        this.#dispatch(fillCall(name, destination.ready, shape, this.#unnamedLane), destination);
      }
      this.#dropIdle(name, destination);
    }
  }

  /** The destination of a lane may have changed since it became ready, and only lanes of one destination may share a call. */
  #regroup(): void {
    if (this.#driver.destinationOf === undefined) return;
    for (const [name, { ready }] of [...this.#destinations]) {
      for (const lane of ready) {
        const current = this.#nameOf(lane);
        if (current !== name) this.#destination(current).ready.add(lane);
      }
    }
  }

  /** No caller waits for results any longer. */
  abortAll(): void {
    for (const call of this.#calls) call.abort();
  }

  #dispatch(call: ActiveCall, destination: Destination): void {
    if (call.messages === 0) return;
    destination.callsInFlight += 1;
    this.#calls.add(call);
    const answered = (answer: CallAnswer): void => {
      destination.callsInFlight -= 1;
      this.#calls.delete(call);
      this.#onAnswer(call, answer);
      this.#dropIdle(call.destination, destination);
    };
    let answer: Promise<readonly SliceResult[]>;
    try {
      answer = Promise.resolve(this.#driver.write(call, call.signal));
    } catch (thrown) {
      answer = Promise.reject(thrown);
    }
    answer.then(
      (results) => answered({ results }),
      (thrown: unknown) => answered({ thrown }),
    );
  }

  #destination(name: string): Destination {
    let destination = this.#destinations.get(name);
    if (destination === undefined) {
      destination = { ready: new ReadyList(), callsInFlight: 0 };
      this.#destinations.set(name, destination);
    }
    return destination;
  }

  #dropIdle(name: string, destination: Destination): void {
    if (destination.callsInFlight === 0 && destination.ready.size === 0 && this.#destinations.get(name) === destination) {
      this.#destinations.delete(name);
    }
  }

  #nameOf(lane: Lane): string {
    if (this.#driver.destinationOf === undefined) return "";
    try {
      return this.#driver.destinationOf(lane.name);
    } catch {
      // The driver does not know the destination yet. The call itself reports what is wrong, and is retried by the rules.
      return "";
    }
  }
}
