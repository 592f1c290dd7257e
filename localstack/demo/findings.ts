import type { FlightLog } from "./flight-log.ts";
import { type Handled, POISONED_LINE } from "./two-members.ts";

/** The results of the demo that are checked. */
export interface Findings {
  readonly messages: number;
  readonly handled: Handled;
  /** Does the provider store what is handled behind an unfinished flight (`handledAhead`)? Then no flight may be handled again. */
  readonly storesAhead: boolean;
  /** Lines of the file that are in the dead-letter topic. */
  readonly deadLetters: readonly number[];
  readonly replay: FlightLog;
  readonly halves: FlightLog;
}

/** One comparison of the demo with the file. */
export interface Check {
  readonly holds: boolean;
  /** The number of the promise in the README. */
  readonly promise: number;
  /** The result, in a sentence. */
  readonly text: string;
}

export function checksOf({ messages, handled, storesAhead, deadLetters, replay, halves }: Findings): readonly Check[] {
  const { log, lost, duplicates, retried, shares } = handled;
  const check = (promise: number, holds: boolean, held: string, failure: string): Check => ({
    holds,
    promise,
    text: holds ? held : failure,
  });
  const again = duplicates.toLocaleString("en");
  return [
    check(1, messages === 20_000, "20,000 flights were stored", `the file holds ${messages} flights, not 20000`),
    check(1, log.strange === 0, "each was stored as it was sent", `${log.strange} messages were not as they had been sent`),
    check(4, lost === 0 && log.missing === 0, "every flight was handled", `${Math.max(lost, log.missing)} flights were lost`),
    check(
      4,
      duplicates === 0 || !storesAhead,
      duplicates === 0 ? "none came again after a member left" : `${again} came again, as handledAhead is off`,
      `${again} flights were handled again after a member left`,
    ),
    check(
      5,
      log.outOfOrder === 0,
      "the flights of each airport came in the order of the file",
      `${log.outOfOrder} flights came out of order`,
    ),
    check(6, retried, "the handler that failed once was called again", "the handler that failed once was not called again"),
    check(
      6,
      deadLetters.join() === String(POISONED_LINE),
      "the flight that cannot be handled is a dead letter",
      `the dead letters are the lines [${deadLetters.join()}], not [${POISONED_LINE}]`,
    ),
    check(
      7,
      shares[0] > 0 && shares[1] > 0,
      "two members shared the work, and one left half-way",
      `the members handled ${shares.join(" and ")} flights: one had no work`,
    ),
    check(8, replay.isExact, "February was replayed exactly, by its time", `the replay of February is not exact: ${replay.summary}`),
    check(9, halves.isExact, "February came in two halves, by a bookmark", `the replay in two halves is not exact: ${halves.summary}`),
  ];
}
