/**
 * The conformance suite: what every provider keeps, as named cases that know no test runner, no adapter and no emulator.
 * See `README.md` beside this file.
 */
export { conformanceCases } from "./conformance-cases.ts";
export { runCases } from "./runner.ts";
export type { RunOptions, RunnableCase } from "./runner.ts";
export { compareWithExpected, staleEntries, summarize } from "./results.ts";
export type { CaseReport, ExpectedResults, ResultSummary } from "./results.ts";
export type { CaseResult, ConformanceCase, DefinedCase, DefinedCaseResult } from "./case.ts";
export type { ConformanceTarget, Emulator, EmulatorTopic } from "./target.ts";
