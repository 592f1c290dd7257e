import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { startEmulatedKafka } from "../../../localstack/kafka/broker/emulated-kafka.ts";
import { connect } from "../../../src/index.ts";
import { type RecordedRun, conformanceCases, parseJsonLines } from "../../../src/conformance/index.ts";
import { BROKEN, PREAMBLE, writeFiles } from "../../cli/adapter-modules.ts";
import { type CommandResult, runInProcess } from "./run-in-process.ts";

const EXPECTED = join(import.meta.dirname, "..", "..", "conformance", "expected");
const SUITE_TIMEOUT_MS = 60_000;

async function conformance(...args: readonly string[]): Promise<CommandResult> {
  return runInProcess(["conformance", ...args]);
}

function runOf(result: CommandResult): RecordedRun {
  return parseJsonLines(result.output, "standard output");
}

test(
  "a user without permission to change topics runs the suite on lent topics, and no group is left",
  { timeout: SUITE_TIMEOUT_MS },
  async () => {
    const names = ["x", "y", "z"];
    await using kafka = await startEmulatedKafka({ topics: Object.fromEntries(names.map((name) => [name, { partitions: 4 }])) });
    const result = await conformance(kafka.url, "--topics", names.join(","), "--run", "consume/**", "--run", "topic/**", "--json");
    const { summary, reports } = runOf(result);
    expect(reports.filter(({ result }) => result === "environment-missing").map((report) => report.case)).toEqual([
      "topic/admin/comes-and-goes",
    ]);
    expect(summary).toMatchObject({ missing: 1, failed: 0 });
    const connection = await connect(kafka.url, { require: ["topicListing", "groupAdmin"] });
    expect(await connection.admin.listTopics()).toEqual(names);
    for (const name of names) expect(await connection.admin.listGroups(name)).toEqual([]);
    await connection.close();
    expect(result).toMatchObject({ errors: "", exitCode: 0 });
  },
);

describe("memory:", () => {
  test("in another form keeps its settings, and is compared with its expected results", { timeout: SUITE_TIMEOUT_MS }, async () => {
    const form = ["memory:mine?like=pubsub", "--json"];
    // The whole suite runs on this form elsewhere.
    const families = ["ordering/**", "position/**", "producing/**", "replay/**"].flatMap((pattern) => ["--run", pattern]);
    const result = await conformance(...form, ...families, "--expected", join(EXPECTED, "memory-like-pubsub.json"));
    expect(result.errors).toBe("");
    expect(runOf(result).summary.unsupported).toBeGreaterThan(20);
    expect(result.exitCode).toBe(0);
    const other = await conformance(...form, "--run", "ordering/keys/*", "--expected", join(EXPECTED, "memory.json"));
    expect(runOf(other).summary).toMatchObject({ failed: 0, unsupported: 2 });
    expect(other.errors).toMatch(/^ordering\/keys\/binary: expected passed, but unsupported \(binaryKeys\)$/m);
    expect(other.exitCode).toBe(1);
  });

  test("without administration of topics uses lent topics and groups", { timeout: SUITE_TIMEOUT_MS }, async () => {
    const lent = ["--topics", "a,b,c", "--groups", "g,h,i"];
    // All cases run on lent topics elsewhere.
    const families = ["topic/**", "producing/**", "ordering/**", "position/**", "failing/**", "group/members/**"].flatMap((pattern) => [
      "--run",
      pattern,
    ]);
    const result = await conformance("memory:lent?create=a,b,c&without=topicAdmin", ...lent, ...families, "--json");
    expect(result.errors).toBe("");
    const { summary, reports } = runOf(result);
    expect(reports.length).toBeGreaterThan(100);
    expect(summary.failed).toBe(0);
    expect(summary.passed).toBeGreaterThan(80);
    for (const { reason } of reports.filter(({ result }) => result === "environment-missing")) {
      expect(reason).not.toMatch(/^(?:topics|groups): /);
    }
    expect(result.exitCode).toBe(0);
  });

  test("with fewer topics or groups than a case needs, the result says so", async () => {
    const url = "memory:few?create=a&without=topicAdmin";
    const reasons = async (...args: readonly string[]): Promise<readonly (string | null)[]> =>
      runOf(await conformance(url, ...args, "--json")).reports.map(({ reason }) => reason);
    expect(await reasons("--topics", "a", "--run", "failing/dead-letter/same-message")).toEqual([expect.stringMatching(/^topics: /)]);
    expect(await reasons("--topics", "a", "--run", "group/members/two-groups")).toEqual([expect.stringMatching(/^groups: /)]);
  });
});

test("a selection, as text and as files", async () => {
  await using place = await writeFiles({ "page.md": "# old\n".repeat(10_000) });
  const [junit, markdown] = ["junit.xml", "page.md"].map((name) => join(place.folder, name)) as [string, string];
  const result = await conformance(
    "memory:",
    "--run",
    "ordering/keys/*",
    "--run",
    "**/same-tick",
    "--junit",
    junit,
    "--markdown",
    markdown,
  );
  expect(result.errors).toBe("");
  expect(result.output).toMatch(/^passed      ordering\/publish\/same-tick \d/m);
  expect(result.output).toMatch(/^2 Publish order +\d+ +0 +0 +0$/m);
  expect(result.output).not.toContain("replay");
  expect(result.output).not.toContain("\u001B");
  expect(result.output).toMatch(/\n\nmemory: \d+ cases, nothing wrong\n$/);
  expect(await readFile(junit, "utf8")).toContain('name="ordering/publish/same-tick"');
  expect(await readFile(markdown, "utf8")).toMatch(/^# Conformance of memory\n/);
  expect(await readFile(markdown, "utf8")).not.toContain("# old");
  expect((await readdir(place.folder)).toSorted()).toEqual(["junit.xml", "page.md"]);
  expect(result.exitCode).toBe(0);
});

test("the report of an earlier run is removed also if nothing can run; a device or a pipe is written to", async () => {
  await using place = await writeFiles({ "old.xml": "<old/>", "other.xml": "<old/>" });
  const [old, other] = ["old.xml", "other.xml"].map((name) => join(place.folder, name)) as [string, string];
  expect(await conformance("kafka://127.0.0.1:1", "--junit", old)).toMatchObject({ exitCode: 2 });
  expect(await readdir(place.folder)).toEqual(["other.xml"]);
  const files = ["--junit", "/dev/null", "--markdown", other];
  expect(await conformance("memory:", "--run", "ordering/keys/*", ...files)).toMatchObject({ exitCode: 0, errors: "" });
  expect(await readFile(other, "utf8")).toMatch(/^# Conformance of memory\n/);
});

test("--timeout is for each case", async () => {
  const result = await conformance("memory:?delayMs=200", "--run", "ordering/publish/same-tick", "--timeout", "100ms");
  expect(result.output).toContain("out of time");
  expect(result.exitCode).toBe(1);
});

describe("an adapter outside this package", () => {
  const SAME_TICK = ["memory:shared", "--run", "ordering/publish/same-tick", "--json"];

  test.each([
    ["openDriver", "export const openDriver = openMemory; export default 1;"],
    ["a default export", "export default openMemory;"],
    ["the only function that opens", "export { openMemory }; export const memory = () => 1; export const opening = () => 1;"],
  ])("is found by %s", async (_, exports) => {
    await using place = await writeFiles({ "adapter.mjs": PREAMBLE + exports });
    const result = await conformance(...SAME_TICK, "--adapter", join(place.folder, "adapter.mjs"));
    expect(result).toMatchObject({ exitCode: 0, errors: "" });
    expect(runOf(result).summary).toMatchObject({ provider: "memory", passed: 1 });
  });

  test("gets the URL without the settings of the core", async () => {
    const text = `${PREAMBLE}export const openDriver = (url) => { if (url !== "memory:shared?delayMs=1") throw new Error(url.length); return openMemory(url); };`;
    await using place = await writeFiles({ "adapter.mjs": text });
    const url = "memory:shared?topic.orders=orders-v1&delayMs=1&group.billing=b";
    expect(await conformance(url, ...SAME_TICK.slice(1), "--adapter", join(place.folder, "adapter.mjs"))).toMatchObject({ exitCode: 0 });
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
      /configuration: this driver lacks .*: refuseTopicName, refuseGroupName, open, capabilities, provider/,
    ],
    [
      "an opener that throws",
      'export const openDriver = () => { throw new TypeError("no such thing"); };',
      /cannot connect: TypeError: no such thing/,
    ],
    ["an error of its own", 'throw new RangeError("too far");', /"\S+adapter\.mjs" could not be loaded: RangeError: too far/],
    ["an import that is not there", 'import "not-there-at-all";', /could not be loaded: Error.*not-there-at-all/],
  ])("with %s is refused", async (_, text, message) => {
    await using place = await writeFiles({ "adapter.mjs": text });
    const result = await conformance(...SAME_TICK, "--adapter", join(place.folder, "adapter.mjs"));
    expect(result).toMatchObject({ exitCode: 2, output: "" });
    expect(result.errors).toMatch(message);
  });

  test("that cannot be loaded is named as it was given, without the way to it, in one line", async () => {
    await using place = await writeFiles({ "broken.mjs": 'import "./gone.mjs";', "adapter.mjs": 'export { none } from "./broken.mjs";' });
    const given = relative(process.cwd(), join(place.folder, "broken.mjs"));
    const { exitCode, errors } = await conformance(...SAME_TICK, "--adapter", given);
    expect({ exitCode, lines: errors.split("\n").length }).toEqual({ exitCode: 2, lines: 2 });
    expect(errors).toContain("Cannot find module");
    expect(errors.replaceAll(given, "").replaceAll(relative(process.cwd(), place.folder), "")).not.toContain(place.folder);
  });

  test("that does not exist is refused, and so is a URL without a scheme", async () => {
    const absent = await conformance(...SAME_TICK, "--adapter", "./not-there.mjs");
    expect(absent).toMatchObject({ exitCode: 2, output: "" });
    expect(absent.errors).toBe(
      'error: --adapter: the module "./not-there.mjs" could not be loaded: there is neither such a file nor, installed here, such a package\n',
    );
    for (const [specifier, reason] of [
      [new URL("none.mjs", import.meta.url).href, "there is no such file"],
      ["test", "it is a folder without a module of its own"],
    ] as const) {
      const { errors } = await conformance(...SAME_TICK, "--adapter", specifier);
      expect(errors).toBe(`error: --adapter: the module "${specifier}" could not be loaded: ${reason}\n`);
    }
    await using place = await writeFiles({ "adapter.mjs": `${PREAMBLE}export default openMemory;` });
    const nowhere = await conformance("here", "--adapter", join(place.folder, "adapter.mjs"));
    expect(nowhere).toMatchObject({ exitCode: 2, output: "", errors: expect.stringMatching(/a URL begins with a scheme/) });
  });
});

describe("an emulator outside this package", () => {
  const RUN = ["memory:shared", "--run", "ordering/publish/throttled", "--run", "ordering/publish/stalled", "--json"];
  const EMULATOR = `${PREAMBLE}import { startMemoryEmulator } from ${JSON.stringify(new URL("../../../localstack/memory-emulator.ts", import.meta.url).href)};
    const open = async (url) => ({ ...(await startMemoryEmulator({ name: url.slice("memory:".length) })), faultKinds: ["throttle"] });
    export const openDriver = openMemory;
  `;

  test.each([
    ["openEmulator", "export const openEmulator = open;"],
    ["a default export", "export default open;"],
    ["the only function of an emulator", "export const startMyEmulator = open; export const emulators = [];"],
  ])("is found by %s, and cases with the faults that it declares run", async (_, exports) => {
    await using place = await writeFiles({ "both.mjs": EMULATOR + exports });
    const both = join(place.folder, "both.mjs");
    const result = await conformance(...RUN, "--adapter", both, "--emulator", both);
    expect(result.errors).toBe("");
    expect(
      runOf(result)
        .reports.map((report) => `${report.case}: ${report.result} ${report.reason}`)
        .toSorted(),
    ).toEqual(["ordering/publish/stalled: environment-missing fault stall", "ordering/publish/throttled: passed null"]);
  });

  test("may have a server of its own, is opened for the URL of the command, and closed at the end", async () => {
    const text = `${PREAMBLE}import { startMemoryEmulator } from ${JSON.stringify(new URL("../../../localstack/memory-emulator.ts", import.meta.url).href)};
      export async function openEmulator(url) {
        const emulator = await startMemoryEmulator();
        return { ...emulator, close: async () => { await emulator.close(); console.error("closed, for " + url); } };
      }`;
    await using place = await writeFiles({ "emulator.mjs": text });
    const result = await conformance("memory:nowhere", ...RUN.slice(1), "--emulator", join(place.folder, "emulator.mjs"));
    expect(runOf(result).summary).toMatchObject({ passed: 2 });
    expect(result.errors).toBe("closed, for memory:nowhere\n");
  });

  test.each([
    ["nothing that opens", "export const emulator = {};", /--emulator: .* has no opener, .*openEmulator.*; it exports emulator/],
    ["an opener that returns nothing", "export default () => undefined;", /--emulator: what its opener returned is no object/],
    [
      "an emulator that lacks something",
      "export default () => ({ createTopic() {} });",
      /--emulator: what its opener returned lacks inject, faultKinds/,
    ],
  ])("with %s is refused", async (_, text, message) => {
    await using place = await writeFiles({ "emulator.mjs": text });
    const result = await conformance(...RUN, "--emulator", join(place.folder, "emulator.mjs"));
    expect(result).toMatchObject({ exitCode: 2, output: "" });
    expect(result.errors).toMatch(message);
  });

  test("is refused with lent topics", async () => {
    const result = await conformance(...RUN, "--emulator", "./any.mjs", "--topics", "a,b,c");
    expect(result).toMatchObject({ exitCode: 2, errors: expect.stringContaining("--emulator goes without --topics") });
  });
});

describe("--show-causes", () => {
  /** Each second write fails, with the words of a server. */
  const GRUMBLING = `${PREAMBLE}
    import { StreamError } from ${JSON.stringify(new URL("../../../src/errors.ts", import.meta.url).href)};
    import { override } from ${JSON.stringify(new URL("../../mutants/override.ts", import.meta.url).href)};
    export const openDriver = (url) => {
      const driver = openMemory(url);
      return override(driver, { open: (context) => {
        const opened = driver.open(context);
        return override(opened, { producer: (topic) => {
          const producer = opened.producer(topic);
          let writes = 0;
          return override(producer, { write: async (call, signal) => {
            writes += 1;
            if (writes % 2 === 0) return producer.write(call, signal);
            const cause = Object.assign(new Error("BUSY at redis://user:pass@host"), { name: "ReplyError", stack: "" });
            const error = CAUSE;
            return call.slices.map(() => ({ outcome: OUTCOME, error }));
          } });
        } });
      } });
    };`;
  const grumbling = (cause: string, outcome: string): string =>
    GRUMBLING.replace("CAUSE", cause).replace("OUTCOME", JSON.stringify(outcome));

  test("prints the cause of each retry with its case, on standard error", async () => {
    await using place = await writeFiles({
      "a.mjs": grumbling('new StreamError("throttled", "slow down", { cause, retryable: true })', "retryable"),
    });
    const args = ["memory:shared", "--run", "ordering/publish/same-tick", "--json", "--adapter", join(place.folder, "a.mjs")];
    const shown = await conformance(...args, "--show-causes");
    expect(shown.exitCode).toBe(0);
    expect(shown.errors).toMatch(
      /^(?:cause: ordering\/publish\/same-tick: send of case-\w+-0 is retried: throttled \(slow down\), by ReplyError "BUSY at redis:\/\/\*\*\*@host"\n)+$/,
    );
    expect(await conformance(...args)).toMatchObject({ exitCode: 0, errors: "" });
  });

  test("prints the causes of a failure; an error that is not known shows its text in the reason too", async () => {
    await using place = await writeFiles({ "a.mjs": grumbling('new StreamError("internal", "not known", { cause })', "refused") });
    const args = ["memory:shared", "--run", "ordering/publish/same-tick", "--adapter", join(place.folder, "a.mjs")];
    const shown = await conformance(...args, "--show-causes");
    expect(shown.exitCode).toBe(1);
    expect(shown.errors).toContain('cause: ordering/publish/same-tick: failed by ReplyError "BUSY at redis://***@host"\n');
    expect(shown.output).toContain('internal (not known; caused by ReplyError "BUSY at redis://***@host")');
  });
});

describe("expected results", () => {
  test("may begin with a byte order mark", async () => {
    await using place = await writeFiles({ "expected.json": "\uFEFF{}" });
    const args = ["memory:", "--run", "ordering/publish/same-tick", "--expected", join(place.folder, "expected.json")];
    expect(await conformance(...args)).toMatchObject({ exitCode: 0, errors: "" });
  });

  const broken = async (expected: object, ...args: readonly string[]): Promise<CommandResult> => {
    await using place = await writeFiles({ "broken.mjs": BROKEN, "expected.json": JSON.stringify(expected) });
    const files = ["--adapter", join(place.folder, "broken.mjs"), "--expected", join(place.folder, "expected.json")];
    return await conformance(
      "memory:shared",
      "--run",
      "ordering/publish/same-tick",
      "--run",
      "error/calls/missing-topic",
      ...files,
      ...args,
    );
  };

  test("a known deviation that fails is not a problem", async () => {
    const result = await broken({ deviations: { "ordering/publish/same-tick": "it loses messages" } });
    expect(result.output).toContain("(known deviation: it loses messages)");
    expect(result.exitCode).toBe(0);
  });

  test("a known deviation that passes is a problem", async () => {
    const deviations = { "ordering/publish/same-tick": "it loses messages", "error/calls/missing-topic": "it makes one" };
    const result = await broken({ deviations });
    expect(result.output).toContain("listed as a known deviation, but passed");
    expect(result.exitCode).toBe(1);
  });

  test("an entry without a case is a problem", async () => {
    const result = await broken({
      deviations: { "ordering/publish/same-tick": "it loses messages" },
      missing: { "no/such/case": "topics" },
    });
    expect(result.output).toMatch(/no\/such\/case\n    listed in the expected results, but no case has this name/);
    expect(result.exitCode).toBe(1);
  });

  test("a case that is missing and not listed is a problem", async () => {
    const result = await broken(
      { deviations: { "ordering/publish/same-tick": "it loses messages" } },
      "--run",
      "ordering/publish/throttled",
    );
    expect(result.output).toContain("expected passed, but environment-missing (fault throttle)");
    expect(result.exitCode).toBe(1);
  });

  test("--bail does not stop at a known deviation", async () => {
    const result = await broken({ deviations: { "ordering/publish/same-tick": "it loses messages" } }, "--bail", "--parallel", "1");
    expect(result.output).toContain("error/calls/missing-topic");
    expect(result.exitCode).toBe(0);
  });
});

describe("two runs are compared:", () => {
  const line = (name: string, result: string): string =>
    JSON.stringify({ case: name, promise: 1, provider: "memory", result, reason: null, capability: null, seconds: 0 });
  const SUMMARY = JSON.stringify({ summary: { provider: "memory", passed: 1, failed: 0, unsupported: 0, missing: 0 } });
  const FILES = {
    "a.jsonl": [line("one", "passed"), line("two", "passed"), SUMMARY, ""].join("\n"),
    "b.jsonl": [line("three", "passed"), line("two", "failed"), line("one", "passed"), SUMMARY].join("\n"),
    "c.jsonl": [line("one", "passed"), line("two", "failed"), SUMMARY].join("\n"),
    "cut.jsonl": line("one", "passed"),
  };

  test.each([
    [["a.jsonl", "a.jsonl"], 0, /^memory \(2 cases\) and memory \(2 cases\): no difference\n$/, /^$/],
    [["a.jsonl", "b.jsonl"], 1, /^two: passed → failed\nthree: not there → passed\nmemory .*: 2 differences\n$/, /^$/],
    [["a.jsonl", "c.jsonl"], 1, /^two: passed → failed\nmemory .*: 1 difference\n$/, /^$/],
    [["a.jsonl", "cut.jsonl"], 2, /^$/, /cut\.jsonl, line 2: the summary is missing/],
    [["a.jsonl", "none.jsonl"], 2, /^$/, /cannot read ".*none\.jsonl": ENOENT/],
    [["a.jsonl"], 2, /^$/, /--compare takes two files, .*; received 1/],
  ])("%j", async (names, exitCode, output, errors) => {
    await using place = await writeFiles(FILES);
    const result = await conformance("--compare", ...names.map((name) => join(place.folder, name)));
    expect(result.output).toMatch(output);
    expect(result.errors).toMatch(errors);
    expect(result.exitCode).toBe(exitCode);
  });

  test("as JSON lines", async () => {
    await using place = await writeFiles(FILES);
    const result = await conformance("--json", "--compare", join(place.folder, "a.jsonl"), join(place.folder, "b.jsonl"));
    const [two, three] = result.output
      .split("\n")
      .slice(0, -1)
      .map((text) => JSON.parse(text) as object);
    expect(two).toMatchObject({ case: "two", before: { result: "passed" }, after: { result: "failed" } });
    expect(three).toMatchObject({ case: "three", before: null, after: { result: "passed" } });
    expect(result.exitCode).toBe(1);
  });
});

test("repetitions run on the same target at the same time, and the worst result is reported", async () => {
  const flaky = `${PREAMBLE}
    let opened = 0;
    export const openDriver = (url) => {
      const driver = openMemory(url);
      opened += 1;
      // The first two connections only check the provider.
      return opened === 3 ? breakage.driver(driver) : driver;
    };
  `;
  await using place = await writeFiles({ "flaky.mjs": flaky });
  const chosen = ["--run", "ordering/publish/same-tick", "--run", "error/calls/missing-topic", "--repeat", "3", "--parallel"];
  const result = await conformance("memory:shared", "--adapter", join(place.folder, "flaky.mjs"), ...chosen, "--json");
  const { summary, reports } = runOf(result);
  expect(summary).toMatchObject({ passed: 1, failed: 1 });
  expect(reports.find((report) => report.case === "ordering/publish/same-tick")?.reason).toMatch(/^in 1 of 3 runs: /);
  expect(result.exitCode).toBe(1);
});

test("--list shows the cases without a connection", async () => {
  const result = await conformance("--list", "--json", "--run", "ordering/publish/throttled");
  expect(JSON.parse(result.output)).toEqual({
    case: "ordering/publish/throttled",
    promise: 2,
    mutant: expect.any(String),
    gates: [],
    faults: ["throttle"],
  });
  const all = await conformance("--list");
  expect(all.output.trim().split("\n")).toHaveLength(conformanceCases().length + 1);
  expect(all).toMatchObject({ exitCode: 0, errors: "" });
});

test.each([
  [["--junit", join("nowhere", "junit.xml")], /cannot write "nowhere\/junit\.xml": ENOENT/],
  [["--markdown", "src"], /cannot write "src": EISDIR/],
  [["--expected", "none.json"], /cannot read "none\.json": ENOENT/],
  [
    ["--expected", "package.json"],
    /"package\.json": expected results: there is no list "name"; allowed are unsupported, missing, deviations/,
  ],
  [["--run", "orderng/**"], /--run: no conformance case is named "orderng\/\*\*"/],
  [["--topics", "a,,b"], /Names separated by commas/],
  [["--groups", "a"], /--groups goes with --topics/],
  [["--repeat", "0"], /whole number/],
  [["--parallel", "some"], /whole number/],
  [["--timeout", "soon"], /A duration is/],
  [["--compare", "a", "--list"], /cannot be used with/],
  [["--compare", "a", "b"], /--compare reads files: it takes no URL/],
])("%j is refused before anything runs", async (args, message) => {
  const result = await conformance("memory:", ...args);
  expect(result).toMatchObject({ exitCode: 2, output: "" });
  expect(result.errors).toMatch(message);
});

test.each([
  ["kafka://127.0.0.1:1", /cannot connect: unavailable: /],
  ["carrier-pigeon:home", /cannot connect: configuration: there is no provider for this URL/],
  ["memory:?like=nothing", /cannot connect: configuration: memory options: like must be one of/],
])("%s cannot be connected to", async (url, message) => {
  const result = await conformance(url);
  expect(result).toMatchObject({ exitCode: 2, output: "" });
  expect(result.errors).toMatch(message);
});
