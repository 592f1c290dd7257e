import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { conformanceCases, parseJsonLines } from "../../src/conformance/index.ts";
import { BROKEN, LAST_WORD, PREAMBLE, writeFiles } from "./adapter-modules.ts";
import { runCommandLine, startCommand } from "./command-line.ts";

// What only a process of its own shows; the rest is tested in test/unit/cli.

const EXPECTED = join(import.meta.dirname, "..", "conformance", "expected");
const TOPICS_LEFT = /^topics left: (\d+)$/m;

test("memory: runs every case, faults included, and nothing is wrong", { timeout: 60_000 }, async () => {
  const { exitCode, output, errors } = await runCommandLine([
    "conformance",
    "memory:",
    "--json",
    "--expected",
    join(EXPECTED, "memory.json"),
  ]);
  expect(errors).toBe("");
  const { summary, reports } = parseJsonLines(output, "standard output");
  expect(reports.map((report) => report.case).toSorted()).toEqual(
    conformanceCases()
      .map(({ name }) => name)
      .toSorted(),
  );
  expect(summary).toEqual({ provider: "memory", passed: reports.length, failed: 0, unsupported: 0, missing: 0 });
  expect(exitCode).toBe(0);
});

test("somebody else's adapter that is broken: exit code 1, in the words for people too", async () => {
  await using place = await writeFiles({ "broken.mjs": BROKEN + LAST_WORD });
  const args = ["conformance", "--adapter", "./broken.mjs", "--run", "ordering/publish/*"];
  const { exitCode, output, errors } = await runCommandLine(args, { cwd: place.folder, env: { STREAM_URL: "memory:shared" } });
  expect(output).toMatch(/^FAILED      ordering\/publish\/same-tick .*\n    \S/m);
  expect(output).toMatch(/\nmemory: \d+ cases, [1-9]\d* wrong\n$/);
  expect(errors).toMatch(TOPICS_LEFT);
  expect(TOPICS_LEFT.exec(errors)?.[1]).toBe("0");
  expect(exitCode).toBe(1);
});

describe("a run that ends early gives back what its cases had made", () => {
  const SLOW = ["conformance", "memory:shared?delayMs=40", "--json", "--adapter"];

  test("--bail, at the first wrong case", async () => {
    await using place = await writeFiles({ "broken.mjs": BROKEN + LAST_WORD });
    const { exitCode, output, errors } = await runCommandLine([...SLOW, "./broken.mjs", "--bail"], { cwd: place.folder });
    const { summary, reports } = parseJsonLines(output, "standard output");
    expect(summary.failed).toBe(1);
    expect(reports.length).toBeLessThan(conformanceCases().length / 2);
    expect(errors).toMatch(/^\S+: \S.*\ntopics left: 0\n$/);
    expect(exitCode).toBe(1);
  });

  test("Ctrl-C", async () => {
    await using place = await writeFiles({ "sound.mjs": `${PREAMBLE}${LAST_WORD}export { openMemory as openDriver };` });
    const { child, ended } = startCommand([...SLOW, "./sound.mjs"], { cwd: place.folder });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { exitCode, output, errors } = await ended;
    expect(errors).toBe("topics left: 0\n");
    expect(output).not.toContain("summary");
    expect(output).not.toContain("failed");
    expect(exitCode).toBe(130);
  });

  test("nobody reads the output any more", async () => {
    await using place = await writeFiles({ "sound.mjs": `${PREAMBLE}${LAST_WORD}export { openMemory as openDriver };` });
    const { child, ended } = startCommand([...SLOW, "./sound.mjs"], { cwd: place.folder });
    child.stdout.once("data", () => child.stdout.destroy());
    const { exitCode, errors } = await ended;
    expect(errors).toBe("topics left: 0\n");
    expect(exitCode).toBe(141);
  });
});
