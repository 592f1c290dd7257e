import { readFileSync } from "node:fs";
import type { Outcomes } from "./operations.ts";

const RECORDED = new URL("recorded.json", import.meta.url);

/** For Vitest's file snapshots. */
export const RECORDED_PATH = RECORDED.pathname;

/** The outcomes of the operations on a real Kafka. */
export function recordedOutcomes(): Outcomes {
  return JSON.parse(readFileSync(RECORDED, "utf8")) as Outcomes;
}

/** The form for the record. */
export function recordText(outcomes: Outcomes): string {
  return `${JSON.stringify(outcomes, null, 1)}\n`;
}
