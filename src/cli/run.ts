import { type ActiveResources, activeResources, addedResources } from "../conformance/active-resources.ts";
import { BROKEN_PIPE, reportFailure } from "./process/report-failure.ts";
import { createProgram } from "./program.ts";

/** How long resources may take to close after the work. */
const GRACE_MS = 2_000;

/** Runs the command line as a whole process. */
export async function run(): Promise<void> {
  // StandardOutput throws the error of a failed write. The parser writes the help, and its failed writes arrive only here.
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
 * Ensures that the process ends after its work: a resource that an adapter left open would keep it alive for ever. Normally it
 * ends at once, with its exit code. Otherwise it ends after a while as a failure, and names what is open.
 * @param before the resources that were open at the start of the process
 */
function endProcess(before: ActiveResources): void {
  // The timer does not keep the process alive, so it fires only if something else does.
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
