import { spawnSync } from "node:child_process";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { inProcessProviders } from "../../localstack/in-process.ts";

function demo(...args: readonly string[]): { readonly exitCode: number | null; readonly output: string; readonly errors: string } {
  const program = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "demo", ...args], { encoding: "utf8", timeout: 60_000 });
  return { exitCode: status, output: stdout, errors: stderr };
}

test("prints one JSON line per provider, with everything handled in order and replayed", { timeout: 60_000 }, () => {
  const { exitCode, output, errors } = demo("--json", "--only", "memory");
  expect(errors).toBe("");
  const lines = output.trim().split("\n");
  expect(lines).toHaveLength(1);
  const row: unknown = JSON.parse(lines[0]!);
  expect(row).toEqual({
    provider: "memory",
    messages: 20_000,
    lost: 0,
    outOfOrder: 0,
    duplicates: 0,
    deadLetters: 1,
    replayed: 5_964,
    replayExpected: 5_964,
    rates: { publish: expect.any(Number), handle: expect.any(Number), replay: expect.any(Number) },
    seconds: expect.any(Number),
  });
  expect(exitCode).toBe(0);
});

test("prints a table, by URL and by an adapter of your own", { timeout: 60_000 }, () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "demo-"));
  const module = join(folder.path, "adapter.mjs");
  const memory = pathToFileURL(join(import.meta.dirname, "..", "..", "adapters", "memory", "open.ts")).href;
  writeFileSync(
    module,
    `import { openMemory } from "${memory}";\nexport const openDriver = (url) => openMemory(url.replace("notes:", "memory:"));\n`,
  );
  const { exitCode, output } = demo("--url", "notes:demo-test?like=kafka", "--adapter", module);
  expect(output).toMatch(/^provider .*\nmemory +20,000 +0 +0 +0 /);
  expect(output).toContain("All checks held");
  expect(exitCode).toBe(0);
  expect(demo("--adapter", module)).toMatchObject({ exitCode: 2, errors: expect.stringMatching(/--adapter needs the URL/) });
});

test("says that its Kafka is the emulated one, ticks each promise and explains the columns, in 80 columns", { timeout: 60_000 }, () => {
  const { exitCode, output, errors } = demo("--only", "kafka");
  expect(exitCode).toBe(0);
  expect(errors).toMatch(/^kafka: emulated in this process /);
  const ticks = [...errors.matchAll(/^ {2}✔ (.+?):/gm)].map(([, promise]) => promise);
  expect([...new Set(ticks)]).toEqual([
    "Durable send",
    "At least once",
    "Handling order",
    "Failing messages",
    "Changing shape",
    "Replay",
    "Positions and bookmarks",
  ]);
  expect(errors).not.toContain("✘");
  expect(output, "none came again").toMatch(/^kafka +20,000 +0 +0 +0 +1 /m);
  expect(output).toMatch(/^twice +handled again after a member left: none of what it stored/m);
  const lines = `${errors}${output}`.split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test("a provider that cannot do what the demo needs ends it with exit code 1", () => {
  const { exitCode, errors } = demo("--url", "memory:demo-test?without=topicAdmin");
  expect(exitCode).toBe(1);
  expect(errors).toMatch(/^unsupported: .*topicAdmin/);
});

test.each([
  [
    ["--only", "carrier-pigeon"],
    new RegExp(`"carrier-pigeon" does not run in this process; ${Object.keys(inProcessProviders).join(", ")} can`),
  ],
  [["--url", "memory:a", "--only", "memory"], /exclude each other/],
  [["--fast"], /--fast/],
])("refuses %j with exit code 2", (args, message) => {
  const { exitCode, errors, output } = demo(...args);
  expect(exitCode).toBe(2);
  expect(errors).toMatch(message);
  expect(output).not.toContain("All checks held");
});

test("--help says what there is", () => {
  const { exitCode, output } = demo("--help");
  expect(exitCode).toBe(0);
  for (const option of ["--only", "--url", "--json"]) expect(output).toContain(option);
});

test("a private memory: is one that the demo shares between its connections", { timeout: 60_000 }, () => {
  const { exitCode, output, errors } = demo("--json", "--url", "memory:");
  expect(errors).toBe("");
  expect(JSON.parse(output)).toMatchObject({ provider: "memory", messages: 20_000, lost: 0 });
  expect(exitCode).toBe(0);
});

test("without an answer there is an error and no table", () => {
  expect(demo("kafka://127.0.0.1:1")).toEqual({ exitCode: 1, output: "", errors: expect.stringMatching(/^unavailable: .*\n$/) });
});
