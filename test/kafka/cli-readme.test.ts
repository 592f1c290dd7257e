import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runProgram } from "../../localstack/kafka/program.ts";
import { linesOf } from "./printed-lines.ts";

const missing = kafkaRequirements();
const ROOT = join(import.meta.dirname, "..", "..");
const EXAMPLE_URL = "kafka://localhost:9092";

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])(
  "the commands of the README run as they are printed, on a real %s",
  { timeout: 180_000 },
  async () => {
    const section = /^## Command line\n([^]*?)^## /m.exec(await readFile(join(ROOT, "README.md"), "utf8"))?.[1];
    const [commands, ...more] = [...section!.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1]!);
    expect(more).toEqual([]);
    expect(commands).toContain(EXAMPLE_URL);
    await using cluster = await startKafka();
    const folder = await mkdtemp(join(tmpdir(), "streamport-readme-"));
    try {
      // The program by its name, and the data where a clone has it.
      const program = join(folder, "streamport");
      await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "src", "cli", "main.ts")}" "$@"\n`);
      await chmod(program, 0o755);
      await symlink(join(ROOT, "localstack"), join(folder, "localstack"), "dir");
      const script = `set -e\ncd "${folder}"\nPATH="${folder}:$PATH"\n${commands!.replace(EXAMPLE_URL, cluster.url)}`;
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
      expect(linesOf(await readFile(join(folder, "flights-copy.jsonl"), "utf8"))).toHaveLength(20_000);
      expect(linesOf(await readFile(join(folder, "handled.jsonl"), "utf8"))).toHaveLength(1_000);
      expect(await readFile(join(folder, "flights.bookmark"), "utf8")).toMatch(/^b1\./);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
