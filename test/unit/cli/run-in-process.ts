import { vi } from "vitest";
import { reportFailure } from "../../../src/cli/process/report-failure.ts";
import { createProgram } from "../../../src/cli/program.ts";

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * The command line without a process of its own: takes a tenth of the time.
 * @param streamUrl what STREAM_URL says
 */
export async function runInProcess(args: readonly string[], streamUrl?: string): Promise<CommandResult> {
  let output = "";
  let errors = "";
  const takeOutput = (text: unknown, written?: unknown): boolean => {
    output += String(text);
    if (typeof written === "function") written(null);
    return true;
  };
  const takeErrors = (text: unknown): boolean => {
    errors += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(takeOutput),
    vi.spyOn(process.stderr, "write").mockImplementation(takeErrors),
    vi.spyOn(console, "error").mockImplementation((text) => void takeErrors(`${String(text)}\n`)),
  ];
  vi.stubEnv("STREAM_URL", streamUrl);
  const exitCodeBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    await createProgram().parseAsync(args, { from: "user" });
    return { exitCode: verdict(), output, errors };
  } catch (error) {
    const exitCode = reportFailure(error);
    return { exitCode, output, errors };
  } finally {
    vi.unstubAllEnvs();
    process.exitCode = exitCodeBefore;
    for (const spy of spies) spy.mockRestore();
  }
}

/** What a command set that ended without an error. */
function verdict(): number {
  return process.exitCode === undefined ? 0 : Number(process.exitCode);
}
