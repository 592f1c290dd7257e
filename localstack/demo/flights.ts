import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** One flight, in the form of the file. */
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

/** A flight with its line in the file, which identifies it. */
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
  const all = (await readFlights())
    .trimEnd()
    .split("\n")
    .map((text, index): FlightLine => ({ line: index + 1, flight: JSON.parse(text) as Flight }));
  const ofMonth = (month: string): FlightLine[] => all.filter(({ flight }) => flight.date.startsWith(`2001/${month}/`));
  return { january: ofMonth("01"), february: ofMonth("02"), march: ofMonth("03") };
}

/** The data lies next to this file: as it is in the sources, compressed in the package (see `compress-flights.ts`). */
async function readFlights(): Promise<string> {
  const file = join(import.meta.dirname, "flights-20k.jsonl");
  const compressed = `${file}.gz`;
  return existsSync(compressed) ? gunzipSync(await readFile(compressed)).toString("utf8") : readFile(file, "utf8");
}
