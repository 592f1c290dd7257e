import { CommanderError } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BrokenPipeError, InterruptedError, UsageError } from "../../../src/cli/process/exit-errors.ts";
import { reportFailure } from "../../../src/cli/process/report-failure.ts";
import { withConnection } from "../../../src/cli/process/with-connection.ts";
import { StreamError } from "../../../src/index.ts";

let printed: string[];

beforeEach(() => {
  printed = [];
  vi.spyOn(console, "error").mockImplementation((text: string) => void printed.push(text));
});

afterEach(() => {
  vi.restoreAllMocks();
});

test.each<readonly [unknown, number, readonly string[]]>([
  [new StreamError("not-found", "there is no topic"), 1, ["not-found: there is no topic"]],
  [new StreamError("corrupt", "not JSON", { partition: "3", position: "p1.x" }), 1, ["corrupt: not JSON (partition 3, p1.x)"]],
  [new StreamError("unavailable", "no broker", { partition: "3" }), 1, ["unavailable: no broker (partition 3)"]],
  [new UsageError("a URL is needed"), 2, ["error: a URL is needed"]],
  [new TypeError("a defect at kafka://u:s3cret@host"), 1, ["internal: TypeError: a defect at kafka://***@host"]],
  // The parser has printed its error; the others print nothing.
  [new CommanderError(1, "commander.unknownOption", "error: unknown option"), 2, []],
  [new CommanderError(0, "commander.helpDisplayed", "(outputHelp)"), 0, []],
  [new BrokenPipeError("the reader has gone"), 141, []],
  [new InterruptedError("SIGINT"), 130, []],
  [new InterruptedError("SIGTERM"), 143, []],
])("%s ends with %d", (error, exitCode, lines) => {
  expect(reportFailure(error)).toBe(exitCode);
  expect(printed).toEqual(lines);
});

test("a missing capability is an error before the work begins", async () => {
  const work = vi.fn<() => Promise<void>>();
  const failure: unknown = await withConnection({ url: "memory:?without=topicAdmin" }, work, ["topicAdmin"]).catch(
    (error: unknown) => error,
  );
  expect(reportFailure(failure)).toBe(1);
  expect(printed).toEqual([expect.stringMatching(/^unsupported: .*topicAdmin$/)]);
  expect(work).not.toHaveBeenCalled();
});
