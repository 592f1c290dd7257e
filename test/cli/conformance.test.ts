import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type RecordedRun, conformanceCases, parseJsonLines } from "../../src/conformance/index.ts";
import { BROKEN, PREAMBLE, writeModules } from "./adapter-modules.ts";
import { type Ended, type RunOptions, runCommandLine, startCommand } from "./command-line.ts";

const EXPECTED = join(import.meta.dirname, "..", "conformance", "expected");
const SUITE_TIMEOUT_MS = 60_000;

async function conformance(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return runCommandLine(["conformance", ...args], options);
}

function runOf(ended: Ended): RecordedRun {
  return parseJsonLines(ended.output, "standard output");
}

test("memory: runs every case, faults included, and nothing is wrong", { timeout: SUITE_TIMEOUT_MS }, async () => {
  const ended = await conformance(["memory:", "--json", "--expected", join(EXPECTED, "memory.json")]);
  expect(ended.errors).toBe("");
  const { summary, reports } = runOf(ended);
  expect(reports.map((report) => report.case).toSorted()).toEqual(
    conformanceCases()
      .map(({ name }) => name)
      .toSorted(),
  );
  expect(summary).toEqual({ provider: "memory", passed: reports.length, failed: 0, unsupported: 0, missing: 0 });
  expect(ended.exitCode).toBe(0);
});

test("a form of memory: keeps its settings, and is judged by what is expected of it", { timeout: SUITE_TIMEOUT_MS }, async () => {
  const form = ["memory:mine?like=pubsub", "--json"];
  const ended = await conformance([...form, "--expected", join(EXPECTED, "memory-like-pubsub.json")]);
  expect(ended.errors).toBe("");
  expect(runOf(ended).summary.unsupported).toBeGreaterThan(20);
  expect(ended.exitCode).toBe(0);
  const other = await conformance([...form, "--run", "ordering/keys/*", "--expected", join(EXPECTED, "memory.json")]);
  expect(runOf(other).summary).toMatchObject({ failed: 0, unsupported: 2 });
  expect(other.exitCode).toBe(1);
});

test("topics and groups are lent where they cannot be created", { timeout: SUITE_TIMEOUT_MS }, async () => {
  const lent = ["--topics", "a,b,c", "--groups", "g,h,i"];
  const ended = await conformance(["memory:lent?create=a,b,c&without=topicAdmin", ...lent, "--json"]);
  expect(ended.errors).toBe("");
  const { summary, reports } = runOf(ended);
  expect(summary.failed).toBe(0);
  expect(summary.passed).toBeGreaterThan(120);
  for (const { reason } of reports.filter(({ result }) => result === "environment-missing")) {
    expect(reason).toMatch(/^fault |^retention: that of a topic cannot be changed$/);
  }
  expect(ended.exitCode).toBe(0);
  const none = await conformance([
    "memory:none?without=topicAdmin",
    "--adapter",
    join(import.meta.dirname, "../../adapters/memory/index.ts"),
    "--run",
    "replay/range/*",
    "--json",
  ]);
  expect(runOf(none).reports.every(({ reason }) => reason?.startsWith("topics: ") === true)).toBe(true);
});

test("a selection, as text and as files", async () => {
  await using place = await writeModules({});
  const [junit, markdown] = ["junit.xml", "page.md"].map((name) => join(place.folder, name)) as [string, string];
  const chosen = ["--run", "ordering/keys/*", "--run", "**/same-tick"];
  const ended = await conformance(["memory:", ...chosen, "--junit", junit, "--markdown", markdown]);
  expect(ended.errors).toBe("");
  expect(ended.output).toMatch(/^passed      ordering\/publish\/same-tick \d/m);
  expect(ended.output).toMatch(/^2 Publish order +\d+ +0 +0 +0$/m);
  expect(ended.output).not.toContain("\u001B");
  expect(ended.output).toMatch(/\n\nmemory: \d+ cases, nothing wrong\n$/);
  expect(await readFile(junit, "utf8")).toContain('name="ordering/publish/same-tick"');
  expect(await readFile(markdown, "utf8")).toMatch(/^# Conformance of memory\n/);
  expect(ended.exitCode).toBe(0);
});

test("the URL may be in the environment", async () => {
  const ended = await conformance(["--run", "ordering/publish/same-tick"], { env: { STREAM_URL: "memory:" } });
  expect(ended).toMatchObject({ exitCode: 0, errors: "" });
});

describe("somebody else's adapter", () => {
  const SAME_TICK = ["memory:shared", "--run", "ordering/publish/same-tick", "--json"];

  test("one that is broken fails, on a terminal's words and for a build server", async () => {
    await using place = await writeModules({ "broken.mjs": BROKEN });
    const junit = join(place.folder, "junit.xml");
    const ended = await conformance(["memory:shared", "--adapter", "./broken.mjs", "--run", "ordering/publish/*", "--junit", junit], {
      cwd: place.folder,
    });
    expect(ended.output).toMatch(/^FAILED      ordering\/publish\/same-tick .*\n    \S/m);
    expect(ended.output).toMatch(/\nmemory: \d+ cases, [1-9]\d* wrong\n$/);
    expect(ended.errors).toBe("topics left: 0\n");
    expect(await readFile(junit, "utf8")).toMatch(/<failure message="[^"]+"/);
    expect(ended.exitCode).toBe(1);
  });

  test("--bail ends the run at the first wrong case, and gives back what the others had made", async () => {
    await using place = await writeModules({ "broken.mjs": BROKEN });
    const ended = await conformance(["memory:shared?delayMs=5", "--adapter", "./broken.mjs", "--bail", "--json"], { cwd: place.folder });
    const { summary, reports } = runOf(ended);
    expect(summary.failed).toBe(1);
    expect(reports.length).toBeLessThan(conformanceCases().length / 2);
    expect(ended.errors).toMatch(/^\S+: \S.*\ntopics left: 0\n$/);
    expect(ended.exitCode).toBe(1);
  });

  test.each([
    ["openDriver", "export const openDriver = openMemory; export default 1;"],
    ["a default export", "export default openMemory;"],
    ["the only function that opens", "export { openMemory }; export const memory = () => 1; export const opening = () => 1;"],
  ])("is found by %s", async (_, exports) => {
    await using place = await writeModules({ "adapter.mjs": PREAMBLE + exports });
    expect(await conformance([...SAME_TICK, "--adapter", "adapter.mjs"], { cwd: place.folder })).toMatchObject({
      exitCode: 0,
      errors: "topics left: 0\n",
    });
  });

  test.each([
    ["nothing that opens", "export const memory = () => 1;", /no opener, .*openDriver.*; it exports memory/],
    ["nothing", "", /no opener, .*; it exports nothing/],
    ["several that open", "export const openOne = () => 1; export const openTwo = () => 1;", /no opener, .*; it exports openOne, openTwo/],
    ["what is no function", "export const openDriver = {};", /no opener, .*; it exports openDriver/],
    ["an opener that promises", "export const openDriver = async () => ({});", /must return a driver, not the promise of one/],
    [
      "an opener that returns nothing",
      "export const openDriver = () => undefined;",
      /configuration: connect needs a URL or a driver; received undefined/,
    ],
    [
      "a driver that lacks something",
      "export const openDriver = () => ({ specVersion: 1 });",
      /configuration: this driver lacks .*producer/,
    ],
    [
      "an opener that throws",
      'export const openDriver = () => { throw new TypeError("no such thing"); };',
      /cannot connect: TypeError: no such thing/,
    ],
    ["a syntax error", "export const", /"adapter\.mjs" could not be loaded: SyntaxError/],
    ["an import that is not there", 'import "not-there-at-all";', /could not be loaded: Error.*: Cannot find package 'not-there-at-all'/],
  ])("with %s is refused", async (_, text, message) => {
    await using place = await writeModules({ "adapter.mjs": text });
    const ended = await conformance([...SAME_TICK, "--adapter", "adapter.mjs"], { cwd: place.folder });
    expect(ended).toMatchObject({ exitCode: 2, output: "" });
    expect(ended.errors).toMatch(message);
  });

  test("that is not there is refused", async () => {
    const ended = await conformance([...SAME_TICK, "--adapter", "./not-there.mjs"]);
    expect(ended).toMatchObject({ exitCode: 2, output: "" });
    expect(ended.errors).toMatch(/"\.\/not-there\.mjs" could not be loaded: Error.*: Cannot find module/);
  });
});

describe("what is expected", () => {
  const broken = async (expected: object, ...args: readonly string[]): Promise<Ended> => {
    await using place = await writeModules({ "broken.mjs": BROKEN, "expected.json": JSON.stringify(expected) });
    const options = ["--adapter", "./broken.mjs", "--expected", "expected.json", ...args];
    return await conformance(["memory:shared", "--run", "ordering/publish/same-tick", "--run", "error/missing-topic", ...options], {
      cwd: place.folder,
    });
  };

  test("a known deviation that fails is as it should be", async () => {
    const ended = await broken({ deviations: { "ordering/publish/same-tick": "it loses messages" } });
    expect(ended.output).toContain("(known deviation: it loses messages)");
    expect(ended.exitCode).toBe(0);
  });

  test("a known deviation that passes is wrong", async () => {
    const deviations = { "ordering/publish/same-tick": "it loses messages", "error/missing-topic": "it closes once" };
    const ended = await broken({ deviations });
    expect(ended.output).toContain("listed as a known deviation, but passed");
    expect(ended.exitCode).toBe(1);
  });

  test("an entry for a case that is no more is wrong", async () => {
    const ended = await broken({
      deviations: { "ordering/publish/same-tick": "it loses messages" },
      missing: { "no/such/case": "topics" },
    });
    expect(ended.output).toMatch(/no\/such\/case\n    listed in what is expected, but no case has this name/);
    expect(ended.exitCode).toBe(1);
  });

  test("a case that is missing without being expected to be is wrong", async () => {
    const ended = await broken(
      { deviations: { "ordering/publish/same-tick": "it loses messages" } },
      "--run",
      "ordering/publish/throttled",
    );
    expect(ended.output).toContain("expected passed, but environment-missing (fault throttle)");
    expect(ended.exitCode).toBe(1);
  });
});

describe("two runs are compared", () => {
  const line = (name: string, result: string): string =>
    JSON.stringify({ case: name, promise: 1, provider: "memory", result, reason: null, capability: null, seconds: 0 });
  const SUMMARY = JSON.stringify({ summary: { provider: "memory", passed: 1, failed: 0, unsupported: 0, missing: 0 } });

  test.each([
    [["a.jsonl", "a.jsonl"], 0, /^memory \(2 cases\) and memory \(2 cases\): no difference\n$/, /^$/],
    [["a.jsonl", "b.jsonl"], 1, /^two: passed → failed\nthree: not there → passed\nmemory .*: 2 differences\n$/, /^$/],
    [["a.jsonl", "cut.jsonl"], 2, /^$/, /"cut\.jsonl": cut\.jsonl, line 2: the summary is missing/],
    [["a.jsonl", "none.jsonl"], 2, /^$/, /cannot read "none\.jsonl": ENOENT/],
    [["a.jsonl"], 2, /^$/, /--compare takes two files, .*; received 1/],
    [["a.jsonl", "b.jsonl", "--list"], 2, /^$/, /cannot be used with/],
  ])("%j", async (args, exitCode, output, errors) => {
    await using place = await writeModules({
      "a.jsonl": [line("one", "passed"), line("two", "passed"), SUMMARY, ""].join("\n"),
      "b.jsonl": [line("three", "passed"), line("two", "failed"), line("one", "passed"), SUMMARY].join("\n"),
      "cut.jsonl": line("one", "passed"),
    });
    const ended = await conformance(["--compare", ...args], { cwd: place.folder });
    expect(ended.output).toMatch(output);
    expect(ended.errors).toMatch(errors);
    expect(ended.exitCode).toBe(exitCode);
  });

  test("as JSON lines", async () => {
    await using place = await writeModules({ "a.jsonl": [line("one", "passed"), SUMMARY].join("\n"), "b.jsonl": SUMMARY });
    const ended = await conformance(["--json", "--compare", "a.jsonl", "b.jsonl"], { cwd: place.folder });
    expect(JSON.parse(ended.output)).toMatchObject({ case: "one", before: { result: "passed" }, after: null });
    expect(ended.exitCode).toBe(1);
  });
});

test("repetitions run over the same target at the same time, and the worst is told", async () => {
  // The first producer of all is the one that loses messages: one run in three.
  const flaky = `${PREAMBLE}
    const mutant = allMutants().find(({ name }) => name === "drops-a-record").break();
    let opened = 0;
    export const openDriver = (url) => {
      const driver = openMemory(url);
      opened += 1;
      // The first connections only ask who is there.
      return opened === 3 ? mutant.driver(driver) : driver;
    };
  `;
  await using place = await writeModules({ "flaky.mjs": flaky });
  const chosen = ["--run", "ordering/publish/same-tick", "--run", "error/missing-topic"];
  const ended = await conformance(["memory:shared", "--adapter", "./flaky.mjs", ...chosen, "--repeat", "3", "--parallel", "--json"], {
    cwd: place.folder,
  });
  const { summary, reports } = runOf(ended);
  expect(summary).toMatchObject({ passed: 1, failed: 1 });
  expect(reports.find((report) => report.case === "ordering/publish/same-tick")?.reason).toMatch(/^in 1 of 3 runs: /);
  expect(ended.exitCode).toBe(1);
});

describe("a run that is ended from outside gives back what its cases had made", () => {
  const SLOW = ["conformance", "memory:shared?delayMs=40", "--adapter", "./sound.mjs", "--json"];
  const SOUND = `${PREAMBLE}\nexport { openMemory as openDriver };`;

  test("Ctrl-C", async () => {
    await using place = await writeModules({ "sound.mjs": SOUND });
    const { child, ended } = startCommand(SLOW, { cwd: place.folder });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { exitCode, output, errors } = await ended;
    expect(errors).toBe("topics left: 0\n");
    expect(output).not.toContain("summary");
    expect(output).not.toContain("failed");
    expect(exitCode).toBe(130);
  });

  test("nobody reads the output any more", async () => {
    await using place = await writeModules({ "sound.mjs": SOUND });
    const { child, ended } = startCommand(SLOW, { cwd: place.folder });
    child.stdout.once("data", () => child.stdout.destroy());
    const { exitCode, errors } = await ended;
    expect(errors).toBe("topics left: 0\n");
    expect(exitCode).toBe(141);
  });
});

test("--list shows what there is, and asks nobody", async () => {
  const ended = await conformance(["--list", "--json", "--run", "ordering/publish/throttled"]);
  expect(JSON.parse(ended.output)).toEqual({
    case: "ordering/publish/throttled",
    promise: 2,
    mutant: expect.any(String),
    gates: [],
    faults: ["throttle"],
  });
  const all = await conformance(["--list"]);
  expect(all.output.trim().split("\n")).toHaveLength(conformanceCases().length + 1);
  expect(all).toMatchObject({ exitCode: 0, errors: "" });
});

test("what cannot be kept is refused before anything runs", async () => {
  await using place = await writeModules({ "expected.json": '{ "mising": {} }' });
  for (const [args, message] of [
    [["--junit", join("nowhere", "junit.xml")], /cannot write "nowhere\/junit\.xml": ENOENT/],
    [["--expected", "none.json"], /cannot read "none\.json": ENOENT/],
    [["--expected", "expected.json"], /"expected\.json": expected results: there is no list "mising"/],
    [["--run", "orderng/**"], /--run: no conformance case is named "orderng\/\*\*"/],
    [["--topics", "a,b"], /--topics and --groups are for targets without administration of topics/],
    [["--topics", "a,,b"], /Names separated by commas/],
    [["--groups", "a"], /--groups goes with --topics/],
    [["--repeat", "0"], /whole number/],
    [["--timeout", "soon"], /A duration is/],
  ] as const) {
    const ended = await conformance(["memory:", ...args], { cwd: place.folder });
    expect(ended).toMatchObject({ exitCode: 2, output: "" });
    expect(ended.errors).toMatch(message);
  }
});

test.each([
  ["kafka://127.0.0.1:1", /cannot connect: unavailable: /],
  ["carrier-pigeon:home", /cannot connect: configuration: there is no provider for this URL/],
])("%s cannot be connected to: exit code 2", async (url, message) => {
  const ended = await conformance([url]);
  expect(ended).toMatchObject({ exitCode: 2, output: "" });
  expect(ended.errors).toMatch(message);
});

test("--timeout is each case's", async () => {
  const ended = await conformance(["memory:?delayMs=200", "--run", "ordering/publish/same-tick", "--timeout", "100ms"]);
  expect(ended.output).toContain("out of time");
  expect(ended.exitCode).toBe(1);
});
