import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";

const PROGRAM = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}

/** The real program, that its outputs can be watched and signals sent while it runs. */
export interface RunningCommand {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has printed so far. */
  readonly output: () => string;
  readonly errors: () => string;
  readonly ended: Promise<Ended>;
}

/** Starts it; standard input stays open. */
export function startCommand(args: readonly string[], { env = {}, cwd }: RunOptions = {}): RunningCommand {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env: { PATH: process.env["PATH"], ...env } });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  // A program that ends before it has read everything breaks the pipe; its exit code shows that.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal, output, errors }));
  });
  return { child, output: () => output, errors: () => errors, ended };
}

/** Runs it to its end. */
export function runCommandLine(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { child, ended } = startCommand(args, options);
  child.stdin.end(options.stdin ?? "");
  return ended;
}
