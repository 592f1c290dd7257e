/**
 * The conformance suite: what every provider keeps, as named cases that know no test runner, no adapter and no emulator.
 * See `README.md` beside this file.
 */
export { conformanceCases } from "./conformance-cases.ts";
export { runCases } from "./runner.ts";
export type { RunOptions, RunnableCase } from "./runner.ts";
export { compareWithExpected, parseExpectedResults, staleEntries } from "./expected-results.ts";
export type { ExpectedResults } from "./expected-results.ts";
export { summarize, summarizePromises } from "./results.ts";
export type { CaseReport, PromiseCounts, ResultCounts, ResultSummary } from "./results.ts";
export type { CaseResult, ConformanceCase, DefinedCase, DefinedCaseResult } from "./case.ts";
export type { ConformanceTarget, Emulator, EmulatorTopic } from "./target.ts";
