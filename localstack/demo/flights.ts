import { readFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";

/** One flight as the file has it. */
export interface Flight {
  /** `2001/01/01 00:47` */
  readonly date: string;
  /** Minutes. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  /** Airport codes. */
  readonly origin: string;
  readonly destination: string;
}

/** A flight with its line in the file, by which it is recognised again. */
export interface FlightLine {
  readonly line: number;
  readonly flight: Flight;
}

export interface Months {
  readonly january: readonly FlightLine[];
  readonly february: readonly FlightLine[];
  readonly march: readonly FlightLine[];
}

/** The flights of the first three months of 2001, in the order of the file: see `README.md`. */
export async function loadFlights(): Promise<Months> {
  const file = await readFile(flightsFile(), "utf8");
  const all = file
    .trimEnd()
    .split("\n")
    .map((text, index): FlightLine => ({ line: index + 1, flight: JSON.parse(text) as Flight }));
  const ofMonth = (month: string): FlightLine[] => all.filter(({ flight }) => flight.date.startsWith(`2001/${month}/`));
  return { january: ofMonth("01"), february: ofMonth("02"), march: ofMonth("03") };
}

/** The data ships as it lies in the sources, beside what is compiled. */
function flightsFile(): string {
  const manifest = findPackageJSON("..", import.meta.url);
  if (manifest === undefined) throw new TypeError("streamport has lost its package.json");
  return join(dirname(manifest), "localstack", "demo", "flights-20k.jsonl");
}
