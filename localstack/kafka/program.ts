import { type ExecFileException, execFile, spawnSync } from "node:child_process";

/** The output of a finished program. */
export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramInput {
  readonly stdin?: string | Uint8Array | undefined;
  /** The program is killed after this time. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program until it ends. Rejects with both of its outputs if it fails or takes too long. */
export async function runProgram(
  file: string,
  args: readonly string[],
  { stdin, timeoutMs, signal }: ProgramInput,
): Promise<ProgramOutput> {
  return new Promise<ProgramOutput>((resolve, reject) => {
    const options = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 256 * 1024 * 1024, encoding: "utf8", signal } as const;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error(`${file} ${ending(error, timeoutMs)}\n${stdout}\n${stderr}`.trimEnd(), { cause: error }));
    });
    // A program that ends before it has read everything breaks the pipe. Its exit code shows whether that is an error.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(stdin);
  });
}

/** Starts a program with arguments that make it end at once. @returns what it printed, or null if it cannot be started */
export function programSays(file: string, args: readonly string[]): string | null {
  const { error, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 20_000 });
  return error === undefined ? `${stdout}\n${stderr}` : null;
}

function ending(error: ExecFileException, timeoutMs: number): string {
  if (error.killed === true) return `was killed after ${timeoutMs} ms`;
  return error.code === "ENOENT" ? "is not installed" : `failed with ${error.code ?? error.signal}`;
}
