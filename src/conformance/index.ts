/**
 * The conformance suite: the promises that every provider keeps, as named cases. The cases know no test runner, no adapter and no
 * emulator. See `README.md` in this folder.
 */
export { conformanceCases } from "./conformance-cases.ts";
export { runCases } from "./runner.ts";
export type { RunOptions, RunnableCase } from "./runner.ts";
export { compareWithExpected, parseExpectedResults, staleEntries } from "./expected-results.ts";
export type { ExpectedResults } from "./expected-results.ts";
export { summarize, summarizePromises } from "./results.ts";
export type { CaseReport, PromiseCounts, ResultCounts, ResultSummary } from "./results.ts";
export { problemsOf, judgeCase, judgeRun } from "./report/judged-run.ts";
export type { JudgedCase, JudgedRun } from "./report/judged-run.ts";
export { PLAIN_STYLE, caseAsText, runAsText } from "./report/text.ts";
export type { TextStyle } from "./report/text.ts";
export { caseAsJson, parseJsonLines, summaryAsJson } from "./report/json-lines.ts";
export type { RecordedRun } from "./report/json-lines.ts";
export { runAsJUnit } from "./report/junit.ts";
export { runAsMarkdown } from "./report/markdown.ts";
export { capabilityMatrix, conformanceMatrix } from "./report/matrix.ts";
export type { CapabilityColumn, ConformanceColumn } from "./report/matrix.ts";
export { compareRuns, differenceAsText } from "./report/compare-runs.ts";
export type { RunDifference } from "./report/compare-runs.ts";
export type { CaseResult, ConformanceCase, DefinedCase, DefinedCaseResult } from "./case.ts";
export type { ConformanceTarget, Emulator, EmulatorTopic, OpenEmulator, OpenedEmulator } from "./target.ts";
