import { expect } from "vitest";
import {
  type ConformanceTarget,
  type RunOptions,
  compareWithExpected,
  conformanceCases,
  runCases,
  staleEntries,
} from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "./expected-results.ts";

/** Of one case, where both sides are in this process: a case of faults makes a thousand requests, which takes long on a busy machine. */
export const BUSY_CASE_MS = 90_000;

/**
 * An emulated service passes with exactly what is expected of it, and the cases leave nothing there.
 * @param name of the list of what is expected
 * @param options cases and the time of each. @default all of them
 */
export async function expectSuite(
  name: string,
  { url, emulator }: { readonly url: string; readonly emulator: NonNullable<ConformanceTarget["emulator"]> },
  { run, timeoutMs }: Pick<RunOptions, "run" | "timeoutMs"> = {},
): Promise<void> {
  const notCleanedUp: string[] = [];
  const onNotCleanedUp = (names: readonly string[]): void => void notCleanedUp.push(...names);
  const reports = await runCases(conformanceCases(), { connect: async () => connect(url), emulator }, { run, timeoutMs, onNotCleanedUp });
  const expected = await expectedResults(name);
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(staleEntries(conformanceCases(), expected)).toEqual([]);
  expect(reports).toHaveLength((run ?? conformanceCases()).length);
  expect(notCleanedUp).toEqual([]);
}
