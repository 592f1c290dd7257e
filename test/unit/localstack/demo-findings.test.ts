import { expect, test } from "vitest";
import type { Message } from "../../../src/index.ts";
import { type Findings, checksOf } from "../../../localstack/demo/findings.ts";
import { FlightLog, LINE_HEADER } from "../../../localstack/demo/flight-log.ts";
import type { Flight, FlightLine } from "../../../localstack/demo/flights.ts";
import { POISONED_LINE } from "../../../localstack/demo/two-members.ts";

const lines: readonly FlightLine[] = ["ATL", "DFW", "ATL", "ATL"].map((origin, index) => ({
  line: index + 1,
  flight: { date: "2001/01/01 00:00", delay: index, distance: 100, origin, destination: "LAX" },
}));

function arrival(line: number, change: Partial<Message<Flight>> = {}): Message<Flight> {
  const flight = lines[line - 1]!.flight;
  return { key: flight.origin, value: flight, headers: { [LINE_HEADER]: String(line) }, ...change } as Message<Flight>;
}

function logOf(...arrivals: readonly Message<Flight>[]): FlightLog {
  const log = new FlightLog(lines);
  for (const message of arrivals) log.add(message);
  return log;
}

const exact = (): FlightLog => logOf(arrival(2), arrival(1), arrival(3), arrival(4));

test("airports may interleave in any way, the flights of one may not", () => {
  expect(exact().isExact).toBe(true);
  const swapped = logOf(arrival(1), arrival(4), arrival(2), arrival(3));
  expect(swapped).toMatchObject({ outOfOrder: 1, missing: 0, isExact: false });
});

test("a missing flight is missing, and nothing else", () => {
  expect(logOf(arrival(1), arrival(2), arrival(4))).toMatchObject({ missing: 1, outOfOrder: 0, arrived: 3, isExact: false });
});

test("a second arrival is a duplicate, at any place", () => {
  expect(logOf(arrival(1), arrival(3), arrival(1), arrival(2), arrival(4))).toMatchObject({ duplicates: 1, outOfOrder: 0, missing: 0 });
});

test("a message that is altered, has another key or is no flight of the range is strange and does not count as arrived", () => {
  const altered = arrival(1, { value: { ...lines[0]!.flight, delay: 99 } });
  const misplaced = arrival(2, { key: "ATL" });
  const unknown = arrival(3, { headers: { [LINE_HEADER]: "77" } });
  expect(logOf(altered, misplaced, unknown)).toMatchObject({ strange: 3, arrived: 0 });
});

const sound: Findings = {
  messages: 20_000,
  handled: { log: exact(), lost: 0, duplicates: 0, retried: true, shares: [2, 2] },
  storesAhead: true,
  deadLetters: [POISONED_LINE],
  replay: exact(),
  halves: exact(),
};

function failuresOf(findings: Findings): readonly string[] {
  return checksOf(findings).flatMap(({ holds, text }) => (holds ? [] : [text]));
}

test("a sound run has no failures, and each check has its result", () => {
  expect(failuresOf(sound)).toEqual([]);
  const checks = checksOf({ ...sound, storesAhead: false, handled: { ...sound.handled, duplicates: 1_236 } });
  expect(checks.map(({ promise }) => promise)).toEqual([1, 1, 4, 4, 5, 6, 6, 7, 8, 9]);
  expect(checks.every(({ holds }) => holds)).toBe(true);
  expect(checks.findLast(({ promise }) => promise === 4)?.text).toBe("1,236 came again, as handledAhead is off");
});

test.each<[what: string, change: Partial<Findings>, failure: RegExp]>([
  ["flights that were not there", { messages: 19_999 }, /holds 19999/],
  ["a lost flight", { handled: { ...sound.handled, lost: 1 } }, /1 flights were lost/],
  ["a flight that came again", { handled: { ...sound.handled, duplicates: 1 } }, /^1 flights were handled again/],
  ["a flight that never arrived", { handled: { ...sound.handled, log: logOf(arrival(1), arrival(2), arrival(3)) } }, /1 flights were lost/],
  [
    "a wrong order",
    { handled: { ...sound.handled, log: logOf(arrival(3), arrival(1), arrival(2), arrival(4)) } },
    /1 flights came out of order/,
  ],
  ["no retry", { handled: { ...sound.handled, retried: false } }, /not called again/],
  ["an idle member", { handled: { ...sound.handled, shares: [4, 0] } }, /4 and 0/],
  ["no dead letter", { deadLetters: [] }, /dead letters are the lines \[\]/],
  ["a second dead letter", { deadLetters: [POISONED_LINE, 3] }, /dead letters/],
  ["a short replay", { replay: logOf(arrival(1)) }, /replay of February is not exact: 3 missing/],
  [
    "a replay that repeats",
    { halves: logOf(arrival(1), arrival(1), arrival(2), arrival(3), arrival(4)) },
    /two halves is not exact: 0 missing, 0 out of order, 1 twice/,
  ],
])("%s is a failure", (_what, change, failure) => {
  const failures = failuresOf({ ...sound, ...change });
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(failure);
});
