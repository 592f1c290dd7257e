import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runProgram } from "../../localstack/kafka/program.ts";
import { linesOf } from "../kafka/printed-lines.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const EXAMPLE_URL = "kafka://localhost:9092";

/** Runs what the README prints under "Command line", on another server than its example, and looks at what came of it. */
export async function expectReadmeCommands(url: string): Promise<void> {
  const section = /^## Command line\n([^]*?)^## /m.exec(await readFile(join(ROOT, "README.md"), "utf8"))?.[1];
  const [commands, ...more] = [...section!.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1]!);
  expect(more).toEqual([]);
  expect(commands).toContain(EXAMPLE_URL);
  const folder = await mkdtemp(join(tmpdir(), "streamport-readme-"));
  try {
    // The program by its name, and the data where a clone has it.
    const program = join(folder, "streamport");
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "src", "cli", "main.ts")}" "$@"\n`);
    await chmod(program, 0o755);
    await symlink(join(ROOT, "localstack"), join(folder, "localstack"), "dir");
    const script = `set -e\ncd "${folder}"\nPATH="${folder}:$PATH"\n${commands!.replace(EXAMPLE_URL, url)}`;
    // Rejects where the exit code is not 0.
    const { stdout, stderr } = await runProgram("sh", ["-c", script], { timeoutMs: 120_000 });
    expect(stderr.split("\n")).toEqual([
      "Created.",
      expect.stringMatching(/^20,000 messages stored in /),
      "Nothing was changed: --execute does it.",
      "Moved.",
      "",
    ]);
    expect(stdout).toMatch(/^ *20000\n/);
    expect(linesOf(stdout.split("\n").slice(1, 4).join("\n").concat("\n"))).toHaveLength(3);
    expect(stdout).toMatch(/^delays +all +19,000 /m);
    expect(stdout).toMatch(/^ok +lag +20,000 messages$/m);
    expect(stdout).toMatch(/\nkafka: \d+ cases, nothing wrong\n$/);
    expect(linesOf(await readFile(join(folder, "flights-copy.jsonl"), "utf8"))).toHaveLength(20_000);
    expect(linesOf(await readFile(join(folder, "handled.jsonl"), "utf8"))).toHaveLength(1_000);
    expect(await readFile(join(folder, "flights.bookmark"), "utf8")).toMatch(/^b1\./);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
