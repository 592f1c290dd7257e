import { type ActiveResources, activeResources, addedResources } from "../conformance/active-resources.ts";
import { BROKEN_PIPE, reportFailure } from "./process/report-failure.ts";
import { createProgram } from "./program.ts";

/** How long what is closing may take after the work is over. */
const GRACE_MS = 2_000;

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

/**
 * Sees that the process ends when its work is over: what somebody's adapter has left open would keep it alive for ever. By itself it
 * ends at once, with its exit code; otherwise after a while, with a word on what is open, as a failure.
 * @param before what was open when the process began
 */
function endProcess(before: ActiveResources): void {
  // Does not keep the process alive itself: it comes to that only where something else does.
  setTimeout(() => {
    const isBeingRead = [process.stdout, process.stderr].some(({ writableLength, destroyed }) => !destroyed && writableLength > 0);
    if (isBeingRead) {
      endProcess(before);
      return;
    }
    const open = addedResources(before);
    console.error(
      `internal: ended with something left open that keeps a process alive: ${open.length === 0 ? "unknown" : open.join(", ")}`,
    );
    process.exit(process.exitCode === undefined || process.exitCode === 0 ? 1 : process.exitCode);
  }, GRACE_MS).unref();
}
