import { execFileSync } from "node:child_process";
import { startCommand } from "../cli/command-line.ts";

/** `streamport emulators kafka` in a process of its own, as for a program in another language. */
export interface EmulatorProcess extends AsyncDisposable {
  readonly url: string;
  /** Bytes of memory that it holds, garbage included. */
  residentBytes(): number;
}

export async function startEmulatorProcess(): Promise<EmulatorProcess> {
  const { child, ended } = startCommand(["emulators", "kafka", "--json"]);
  const line = new Promise<string>((resolve) => child.stdout.once("data", (text: string) => resolve(text)));
  const first = await Promise.race([line, ended]);
  if (typeof first !== "string") throw new Error(`the emulator ended with ${first.exitCode}: ${first.errors}`);
  const { url } = JSON.parse(first) as { readonly url: string };
  return {
    url,
    // POSIX has it in kibibytes.
    residentBytes: () => Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)], { encoding: "utf8" })) * 1_024,
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
