import { chmod, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { conformanceCases, parseJsonLines, runCases } from "../../src/conformance/index.ts";
import { BROKEN, LAST_WORD, PREAMBLE, writeFiles } from "./adapter-modules.ts";
import { openMemory } from "../../adapters/memory/open.ts";
import { runProgram } from "../../localstack/kafka/program.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "../conformance/expected-results.ts";
import { runCommandLine, startCommand } from "./command-line.ts";

// What only a process of its own shows; the rest is tested in test/unit/cli.

const EXPECTED = join(import.meta.dirname, "..", "conformance", "expected");
const ROOT = join(import.meta.dirname, "..", "..");
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

test("a broken adapter outside this package: exit code 1, also for the text for people", async () => {
  await using place = await writeFiles({ "broken.mjs": BROKEN + LAST_WORD });
  const args = ["conformance", "--adapter", "./broken.mjs", "--run", "ordering/publish/*"];
  const { exitCode, output, errors } = await runCommandLine(args, { cwd: place.folder, env: { STREAM_URL: "memory:shared" } });
  expect(output).toMatch(/^FAILED      ordering\/publish\/same-tick .*\n    \S/m);
  expect(output).toMatch(/\nmemory: \d+ cases, [1-9]\d* wrong\n$/);
  expect(errors).toMatch(TOPICS_LEFT);
  expect(TOPICS_LEFT.exec(errors)?.[1]).toBe("0");
  expect(exitCode).toBe(1);
});

describe("in a run that ends early the cases delete what they created", () => {
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

  const SOUND = { "sound.mjs": `${PREAMBLE}${LAST_WORD}export { openMemory as openDriver };` };
  const REPORTS = ["--junit", "run.xml", "--markdown", "run.md"];
  /** The report of an earlier run, which must not be taken for this one. */
  const OLD_REPORTS = { "run.xml": "<old/>", "run.md": "# old" };

  test("Ctrl-C", async () => {
    await using place = await writeFiles({ ...SOUND, ...OLD_REPORTS });
    const { child, ended } = startCommand([...SLOW, "./sound.mjs", ...REPORTS], { cwd: place.folder });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { exitCode, output, errors } = await ended;
    expect(errors).toBe("topics left: 0\n");
    expect(output).not.toContain("summary");
    expect(output).not.toContain("failed");
    expect(exitCode).toBe(130);
    expect(await readdir(place.folder)).toEqual(["sound.mjs"]);
  });

  test("killed, it leaves no report either", async () => {
    await using place = await writeFiles({ ...SOUND, ...OLD_REPORTS });
    const { child, ended } = startCommand([...SLOW, "./sound.mjs", ...REPORTS], { cwd: place.folder });
    child.stdout.once("data", () => child.kill("SIGKILL"));
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    expect(await readdir(place.folder)).toEqual(["sound.mjs"]);
  });

  test("the reader of the output has gone", async () => {
    await using place = await writeFiles({ ...SOUND, ...OLD_REPORTS });
    const { child, ended } = startCommand([...SLOW, "./sound.mjs", ...REPORTS], { cwd: place.folder });
    child.stdout.once("data", () => child.stdout.destroy());
    const { exitCode, errors } = await ended;
    expect(errors).toBe("topics left: 0\n");
    expect(exitCode).toBe(141);
    expect(await readdir(place.folder)).toEqual(["sound.mjs"]);
  });
});

// Each waits for seconds, for what is left open.
describe.concurrent("a process ends by itself though an adapter has left something open, which is named as a failure:", () => {
  const OPEN = "internal: ended with something left open that keeps a process alive: ";
  const SERVER = `import { createServer, connect } from "node:net";
    const server = createServer().listen(0, "127.0.0.1").unref();
    await new Promise((resolve) => server.once("listening", resolve));`;

  test.each([
    [
      "the run itself",
      "",
      "if (opened === 1) setInterval(() => undefined, 1_000);",
      ["--run", "ordering/publish/same-tick"],
      1,
      "Timeout +1",
    ],
    ["an adapter that does not open", "", "setInterval(() => undefined, 1_000); throw new Error('no');", [], 2, "Timeout +1"],
    [
      "a timer of a case",
      "",
      "if (opened === 5) setInterval(() => undefined, 1_000);",
      ["--run", "ordering/publish/*-tick*", "--parallel", "1"],
      1,
      "Timeout +1, opened in ordering/publish/many-ticks",
    ],
    [
      "a socket of one of several cases at a time",
      SERVER,
      "if (opened === 3) connect(server.address().port, '127.0.0.1');",
      ["--run", "ordering/publish/same-tick", "--run", "producing/values/*"],
      1,
      "TCPSocketWrap +2, opened in producing/values/one-by-one",
    ],
  ])("%s", async (_, before, text, args, exitCode, what) => {
    const adapter = `${PREAMBLE}${before}
      let opened = 0;
      export const openDriver = (url) => { opened += 1; ${text} return openMemory(url); };`;
    await using place = await writeFiles({ "open.mjs": adapter });
    const command = startCommand(["conformance", "memory:shared", "--adapter", "./open.mjs", ...args], { cwd: place.folder });
    const timer = setTimeout(() => command.child.kill("SIGKILL"), 30_000);
    const ended = await command.ended;
    clearTimeout(timer);
    expect(ended).toMatchObject({ exitCode, signal: null });
    expect(ended.errors.replace(/^error: .*\n/, "")).toBe(`${OPEN}${what}\n`);
  });
});

test("a process that is slow to end, and then has nothing open, does not fail", async () => {
  // Node does not name the work of its threads, which keeps the process alive beyond the time that handles have for closing.
  const adapter = `${PREAMBLE}import { pbkdf2 } from "node:crypto";
    const until = performance.now() + 3_200;
    const again = () => { if (performance.now() < until) pbkdf2("a", "b", 100_000, 64, "sha512", again); };
    let isOpen = false;
    export const openDriver = (url) => { if (!isOpen) { isOpen = true; again(); } return openMemory(url); };`;
  await using place = await writeFiles({ "slow.mjs": adapter });
  const args = ["conformance", "memory:shared", "--adapter", "./slow.mjs", "--run", "ordering/publish/same-tick"];
  const { exitCode, errors } = await runCommandLine(args, { cwd: place.folder });
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
});

test("the commands for adapter authors run as the README prints them", { timeout: 120_000 }, async () => {
  const section = /^## For adapter authors\n([^]*?)^## /m.exec(await readFile(join(ROOT, "README.md"), "utf8"))?.[1];
  const [commands, ...more] = [...section!.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1]!);
  expect(more).toEqual([]);
  // What a provider of this form cannot be made to show: faults. The cases are those that no server shows without an emulator.
  const needy = Object.keys((await expectedResults("kafka")).missing);
  const reports = await runCases(conformanceCases(), { connect: async () => connect(openMemory("memory:readme")) }, { run: needy });
  const missing = Object.fromEntries(
    reports.filter(({ result }) => result === "environment-missing").map((report) => [report.case, report.reason]),
  );
  await using place = await writeFiles({
    "files-adapter.js": `${PREAMBLE}export const openDriver = (url) => openMemory(url.replace(/^files:.*/, "memory:shared"));`,
    "files-emulator.js": `${PREAMBLE}import { startMemoryEmulator } from ${JSON.stringify(pathToFileURL(join(ROOT, "localstack", "memory-emulator.ts")).href)};
      export const openEmulator = async () => ({ ...(await startMemoryEmulator({ name: "shared" })), url: undefined });`,
    "package.json": '{ "type": "module" }',
    "files.json": JSON.stringify({ missing }),
    streamport: `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "src", "cli", "main.ts")}" "$@"\n`,
  });
  await chmod(join(place.folder, "streamport"), 0o755);
  const script = `set -e\ncd "${place.folder}"\nPATH="${place.folder}:$PATH"\n${commands}`;
  // Rejects where the exit code is not 0.
  const { stdout, stderr } = await runProgram("sh", ["-c", script], { timeoutMs: 100_000 });
  // What the provider answered to the calls with faults.
  expect(stderr).toMatch(/^(?:cause: ordering\/\S+: .*\n)+$/);
  expect(stdout).toMatch(/^ok +url +memory, from the argument$/m);
  expect(stdout.match(/^memory: \d+ cases, nothing wrong$/gm)).toHaveLength(4);
  expect(stdout).toMatch(/^ordering\/publish\/same-tick +2 +\S+/m);
  expect(await readFile(join(place.folder, "files.xml"), "utf8")).toContain('failures="0"');
});
