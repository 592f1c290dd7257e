import { BrokenPromise } from "../world/virtual-clock.ts";
import { isDeepStrictEqual } from "node:util";
import type { EngineMutant } from "../load-mutant.ts";
import type { Engine } from "../world/engine.ts";

/** What the engine promises, with a defect for each way to break it. */
export interface Invariant {
  readonly name: string;
  readonly mutants: readonly EngineMutant[];
  /** Rejects where an engine breaks it. */
  check(engine: Engine): Promise<void>;
}

export function require(condition: boolean, text: string): void {
  if (!condition) throw new BrokenPromise(text);
}

export function requireEqual(found: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(found, expected)) throw new BrokenPromise(`${what} is ${show(found)}; expected ${show(expected)}`);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));
}
