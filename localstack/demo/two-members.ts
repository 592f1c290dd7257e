import { setTimeout as sleep } from "node:timers/promises";
import { type Consumer, type Message, type MessageHandler, type Topic } from "../../src/index.ts";
import { FlightLog, LINE_HEADER } from "./flight-log.ts";
import type { Flight, FlightLine } from "./flights.ts";

/** The handler of this line fails at the first attempt. */
const FAILING_LINE = 4_321;
/** The handler of this line fails at every attempt. */
export const POISONED_LINE = 7_654;
/** One of the two members leaves when this many flights have been handled, some of them by it. */
const LEAVES_AFTER = 8_000;
/** When no flight has been handled for this long, the missing ones count as lost. */
const TIMEOUT_MS = 60_000;

export interface Handled {
  readonly log: FlightLog;
  readonly lost: number;
  /** How many flights were handled again. A member that leaves has stored what it handled, also behind flights that it had not finished. */
  readonly duplicates: number;
  /** Whether the failing handler got its second attempt and succeeded. */
  readonly retried: boolean;
  /** How many flights the member that stayed and the member that left have handled. */
  readonly shares: readonly [staying: number, leaving: number];
}

/**
 * Two members of a group share the flights. The flights of one airport are handled in order, and sixteen airports at the same time. One
 * flight fails at first and is retried, one can never be handled and becomes a dead letter, and one member leaves half-way.
 * @param onStart receives a function that counts the flights that are done
 */
export async function handleByTwoMembers(
  flights: Topic<Flight>,
  group: string,
  deadLetter: string,
  expected: readonly FlightLine[],
  onStart: (done: () => number) => void,
): Promise<Handled> {
  const log = new FlightLog(expected);
  const settled = new Set<number>([POISONED_LINE]);
  const shares: [number, number] = [0, 0];
  const started = new Set<number>();
  let duplicates = 0;
  let retried = false;
  let lastProgressAt = performance.now();
  onStart(() => settled.size);

  const handlerOf = (member: 0 | 1): MessageHandler<Flight> => {
    return async (message: Message<Flight>) => {
      const line = Number(message.headers[LINE_HEADER]);
      const isFirstAttempt = !started.has(line);
      started.add(line);
      if (isFirstAttempt) log.add(message);
      await nothingMuch();
      if (line === POISONED_LINE) throw new Error("this flight can never be handled");
      if (line === FAILING_LINE && isFirstAttempt) throw new Error("not at the first attempt");
      if (line === FAILING_LINE) retried = true;
      if (settled.has(line)) duplicates += 1;
      settled.add(line);
      shares[member] += 1;
      lastProgressAt = performance.now();
    };
  };

  const options = { group, concurrency: 16, retry: { maxAttempts: 3, initialDelayMs: 10 }, onFailure: { deadLetter } };
  const members: readonly Consumer<Flight>[] = [flights.consumer(options), flights.consumer(options)];
  const [staying, leaving] = members as [Consumer<Flight>, Consumer<Flight>];
  // Neither member handles a flight before both have partitions. Else the first might finish before the second has joined.
  for (const member of members) member.pause();
  const running = Promise.all([staying.run(handlerOf(0)), leaving.run(handlerOf(1))]);

  const watch = async (): Promise<void> => {
    const waitFor = async (reached: () => boolean): Promise<void> => {
      while (!reached() && performance.now() - lastProgressAt < TIMEOUT_MS) await sleep(5);
    };
    await waitFor(() => members.every((member) => member.assigned.length > 0));
    for (const member of members) member.resume();
    // The other one may have handled that many before the first answer to a fetch of this one.
    await waitFor(() => settled.size >= LEAVES_AFTER && (shares[1] > 0 || settled.size === expected.length));
    await leaving.close();
    await waitFor(() => settled.size === expected.length);
    await staying.close();
  };
  try {
    await Promise.all([running, watch()]);
  } finally {
    await Promise.all(members.map((member) => member.close()));
  }
  return { log, lost: expected.length - settled.size, duplicates, retried, shares };
}

/** This takes the place of the work of an application, such as storing the delay. */
async function nothingMuch(): Promise<void> {
  await Promise.resolve();
}
