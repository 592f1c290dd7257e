import { activeResources } from "../conformance/active-resources.ts";
import { endProcess } from "./process/end-process.ts";
import { createProgram } from "./program.ts";
import { BROKEN_PIPE, reportFailure } from "./process/report-failure.ts";

/** The whole of a process that is nothing but the command line. */
export async function run(): Promise<void> {
  // Whoever writes by StandardOutput hears of a failed write itself; of help, which the parser writes, this is all that is heard.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exitCode = BROKEN_PIPE;
  });
  process.stderr.on("error", () => undefined);

  const before = activeResources();
  try {
    await createProgram().parseAsync();
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
  endProcess(before);
}
