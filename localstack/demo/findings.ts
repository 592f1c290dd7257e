import type { FlightLog } from "./flight-log.ts";
import { type Handled, POISONED_LINE } from "./two-members.ts";

/** What the demo has seen, as far as it is judged. */
export interface Findings {
  readonly messages: number;
  readonly handled: Handled;
  /** Lines of the file that are in the dead-letter topic. */
  readonly deadLetters: readonly number[];
  readonly replay: FlightLog;
  readonly halves: FlightLog;
}

/** @returns one sentence for each check that failed; duplicates are no failure, as handling is at least once */
export function failuresOf({ messages, handled, deadLetters, replay, halves }: Findings): readonly string[] {
  const { log, lost, retried, shares } = handled;
  const checks: readonly (readonly [holds: boolean, failure: string])[] = [
    [messages === 20_000, `the file holds ${messages} flights, not 20000`],
    [lost === 0 && log.missing === 0, `${Math.max(lost, log.missing)} flights were lost`],
    [log.outOfOrder === 0, `${log.outOfOrder} flights came out of order`],
    [log.strange === 0, `${log.strange} messages were not as they had been sent`],
    [retried, "the handler that failed once was not called again"],
    [shares[0] > 0 && shares[1] > 0, `the members handled ${shares.join(" and ")} flights: one had no work`],
    [deadLetters.join() === String(POISONED_LINE), `the dead letters are the lines [${deadLetters.join()}], not [${POISONED_LINE}]`],
    [replay.isExact, `the replay of February is not exact: ${replay.summary}`],
    [halves.isExact, `the replay in two halves is not exact: ${halves.summary}`],
  ];
  return checks.filter(([holds]) => !holds).map(([, failure]) => failure);
}
