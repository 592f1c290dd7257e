import { OpenHandles } from "./process/open-handles.ts";
import { BROKEN_PIPE, reportFailure } from "./process/report-failure.ts";
import { createProgram } from "./program.ts";

/** How long resources may take to close after the work. */
const GRACE_MS = 2_000;
/** How often the process waits again while it still runs, and Node names nothing that is open. */
const MOST_GRACES = 5;

/** Runs the command line as a whole process. */
export async function run(): Promise<void> {
  // StandardOutput throws the error of a failed write. The parser writes the help, and its failed writes arrive only here.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exitCode = BROKEN_PIPE;
  });
  process.stderr.on("error", () => undefined);

  const handles = new OpenHandles();
  try {
    await createProgram(handles).parseAsync();
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
  endProcess(handles);
}

/**
 * Ensures that the process ends after its work: a resource that an adapter left open would keep it alive for ever. Normally it
 * ends at once, with its exit code. Otherwise it ends after a while as a failure, and names what is open.
 */
function endProcess(handles: OpenHandles, graces = 1): void {
  // The timer does not keep the process alive, so it fires only if something else does.
  setTimeout(() => {
    const isBeingRead = [process.stdout, process.stderr].some(({ writableLength, destroyed }) => !destroyed && writableLength > 0);
    const { added, leftBy } = handles;
    // What kept the process alive until now may be closed by now. Then the process ends by itself, without another timer.
    if (isBeingRead || (added.length === 0 && graces < MOST_GRACES)) {
      endProcess(handles, isBeingRead ? graces : graces + 1);
      return;
    }
    const kinds = added.length === 0 ? "a resource that Node does not name" : added.join(", ");
    const where = leftBy.length === 0 ? "" : `, opened in ${leftBy.join(", ")}`;
    console.error(`internal: ended with something left open that keeps a process alive: ${kinds}${where}`);
    process.exit(process.exitCode === undefined || process.exitCode === 0 ? 1 : process.exitCode);
  }, GRACE_MS).unref();
}
