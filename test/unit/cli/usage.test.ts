import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { createProgram } from "../../../src/cli/program.ts";
import { selectCases } from "../../../src/conformance/case-pattern.ts";
import { conformanceCases } from "../../../src/conformance/index.ts";
import { availableProviders, plannedProviders } from "../../providers.ts";
import { runInProcess } from "./run-in-process.ts";

const COMMANDS: readonly (readonly string[])[] = [
  ["produce"],
  ["consume"],
  ["read"],
  ["topics"],
  ["topics", "list"],
  ["topics", "describe"],
  ["topics", "create"],
  ["topics", "update"],
  ["topics", "delete"],
  ["groups"],
  ["groups", "list"],
  ["groups", "describe"],
  ["groups", "reset"],
  ["groups", "delete"],
  ["lag"],
  ["migrate"],
  ["migrate", "plan"],
  ["migrate", "copy"],
  ["migrate", "verify"],
  ["migrate", "positions"],
  ["migrate", "translate-groups"],
  ["migrate", "cutover"],
  ["capabilities"],
  ["conformance"],
  ["doctor"],
  ["emulators"],
  ["demo"],
];

test("--help names every command, and the exit codes", async () => {
  const { exitCode, output, errors } = await runInProcess(["--help"]);
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
  for (const [command] of COMMANDS) expect(output).toMatch(new RegExp(`^ {2}${command} `, "m"));
  for (const code of ["0 done", "1 failed", "2 wrong usage", "130 interrupted", "141"]) {
    expect(output.replaceAll("\n", " ")).toContain(code);
  }
});

test("without a command it shows the help, as wrong usage", async () => {
  const { exitCode, output, errors } = await runInProcess([]);
  expect({ exitCode, output }).toEqual({ exitCode: 2, output: "" });
  expect(errors).toContain("Usage: streamport");
});

test("--version is that of the package", async () => {
  expect(await runInProcess(["--version"])).toMatchObject({ exitCode: 0, output: `${manifest.version}\n`, errors: "" });
});

describe("every command", () => {
  test.each(COMMANDS.map((command) => [command.join(" "), command] as const))("%s --help has examples", async (name, command) => {
    const { exitCode, output, errors } = await runInProcess([...command, "--help"]);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
    expect(output).toContain(`Usage: streamport ${name}`);
    expect(output).toMatch(new RegExp(`Examples:\\n(.*\\n)*.*streamport ${name.split(" ")[0]} `));
  });
});

/** The arguments of each line that runs the program, in all examples. */
const EXAMPLES: readonly (readonly string[])[] = await (async () => {
  const helps = await Promise.all(COMMANDS.map(async (command) => helpOf(createProgram(), command)));
  const lines = helps.flatMap((help) => help.slice(help.indexOf("Examples:")).replaceAll("\\\n", "").split("\n"));
  return [...new Set(lines.flatMap((line) => /\bstreamport (.*)/.exec(line)?.[1] ?? []))].map(wordsOf);
})();

/** As a shell takes them, up to a pipe or a file. */
function wordsOf(line: string): readonly string[] {
  const words = line.match(/'[^']*'|\S+/g) ?? [];
  const end = words.findIndex((word) => /^[|<>]/.test(word));
  return words.slice(0, end === -1 ? undefined : end).map((word) => word.replaceAll("'", ""));
}

async function helpOf(program: Command, command: readonly string[]): Promise<string> {
  let help = "";
  const take = (text: string): void => void (help += text);
  allOf(program).forEach((each) => each.configureOutput({ writeOut: take }));
  await program.parseAsync([...command, "--help"], { from: "user" }).catch(() => undefined);
  return help;
}

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

const COLUMNS = 80;

test("the help fits into 80 columns, and fills them", async () => {
  for (const command of [[], ...COMMANDS]) {
    const { output } = await runInProcess([...command, "--help"]);
    const lines = output.split("\n");
    expect(lines.filter(({ length }) => length > COLUMNS)).toEqual([]);
    // Of prose no line ends early, but where a sentence does.
    const early = lines.filter((line, index) => {
      const next = /^[^\s]+/.exec(lines[index + 1] ?? "")?.[0];
      return /^\S.*[^.:]$/.test(line) && next !== undefined && line.length + 1 + next.length <= COLUMNS;
    });
    expect(early).toEqual([]);
  }
});

test("the help says what cannot be left out", async () => {
  const { output } = await runInProcess(["groups", "reset", "--help"]);
  expect(output.match(/^ +(?:-\w, )?--\w+(?=.*\(required\)$)/gm)).toEqual(["  -t, --topic", "  -g, --group", "  --to"]);
});

describe("every example of the help is understood:", () => {
  test.each(EXAMPLES.map((words) => [words.join(" "), words] as const))("%s", async (_, words) => {
    const program = createProgram();
    let understood: Command | undefined;
    for (const each of allOf(program)) {
      each.configureOutput({ writeErr: () => undefined });
      if (each.commands.length === 0) each.action(() => void (understood = each));
    }
    await program.parseAsync(words, { from: "user" });
    const { run } = understood!.opts<{ readonly run?: readonly string[] }>();
    if (run !== undefined) expect(run.map((pattern) => selectCases(conformanceCases(), [pattern]).length)).not.toContain(0);
  });

  test("there are some", () => expect(EXAMPLES.length).toBeGreaterThan(40));
});

const TOPIC = ["--topic", "t"];

describe("wrong usage names what was received and what is allowed, with exit code 2:", () => {
  test.each<readonly [readonly string[], RegExp]>([
    [["reed"], /unknown command 'reed'[^]*Did you mean read\?/],
    [["read", "memory:x", ...TOPIC, "--form", "now"], /unknown option '--form'[^]*Did you mean --from\?/],
    [["read", "memory:x"], /'-t, --topic <topic>' not specified/],
    [["read", ...TOPIC], /a URL is needed.*STREAM_URL/],
    [["read", "memory:x", ...TOPIC, "--from", "yesterday"], /'yesterday' is invalid.*earliest, latest, at:POSITION.*15m/],
    [["read", "memory:x", ...TOPIC, "--from", "15"], /'15' is invalid.*12 or 13 digits/],
    [["read", "memory:x", ...TOPIC, "--until", "2026-11-31"], /'2026-11-31' is invalid.*a valid date/],
    [["consume", "memory:x", ...TOPIC, "--group", "g", "--initial-position", "2026-02-29"], /'2026-02-29' is invalid/],
    [["groups", "reset", "memory:x", ...TOPIC, "--group", "g", "--to", "2026-11-21T24:00Z"], /'2026-11-21T24:00Z' is invalid/],
    [["read", "memory:x", ...TOPIC, "--until", "latest"], /'latest' is invalid.*now, through:POSITION/],
    [["read", "memory:x", ...TOPIC, "--max", "0"], /'0' is invalid.*at least 1/],
    [["read", "memory:x", ...TOPIC, "--follow", "--until", "now"], /'--follow' cannot be used with option '--until/],
    [["read", "memory:x", ...TOPIC, "--from", "offset:end"], /'offset:end' is invalid.*offset:NUMBER/],
    [["read", "memory:x", ...TOPIC, "--last", "0"], /'0' is invalid.*at least 1/],
    [["read", "memory:x", ...TOPIC, "--last", "3", "--from", "latest"], /'--last <count>' cannot be used with option '--from/],
    [["read", "memory:x", ...TOPIC, "--last", "3", "--until", "now"], /'--last <count>' cannot be used with option '--until/],
    [["read", "memory:x", ...TOPIC, "--last", "3", "--bookmark-file", "f"], /'--last <count>' cannot be used with option '--bookmark-file/],
    [
      ["groups", "reset", "kafka://127.0.0.1:1", ...TOPIC, "-g", "g", "--to", "earliest", "--partition", "0"],
      /--partition goes with --to offset:NUMBER/,
    ],
    [["consume", "memory:x", ...TOPIC, "--group", "g", "--initial-position", "at:p1.x"], /'at:p1.x' is invalid.*earliest, latest, fail/],
    [["consume", "memory:x", ...TOPIC, "--group", "g", "--concurrency", "many"], /'many' is invalid/],
    [["produce", "memory:x", ...TOPIC, "--keep", "offset"], /'offset' is invalid.*partition, timestamp/],
    [["produce", "memory:x", ...TOPIC, "--header", "=1"], /'=1' is invalid.*name=value/],
    [["produce", "memory:x", ...TOPIC, "--lines", "--key-field", "k"], /'--lines' cannot be used with option '--key-field/],
    [["produce", "memory:x", ...TOPIC, "--key", "k", "--key-field", "k"], /'--key-field <name>' cannot be used with option '--key /],
    [["topics", "create", "memory:x", ...TOPIC, "--retention", "7"], /'7' is invalid.*90s or 7d/],
    [["groups", "reset", "memory:x", ...TOPIC, "--group", "g", "--to", "now"], /'now' is invalid.*earliest, latest/],
    [["lag", "memory:x", ...TOPIC, "--interval", "-1s"], /'-1s' is invalid/],
    [["demo", "memory:x", "--url", "memory:y"], /given twice/],
    [["lag", "kafka://127.0.0.1:1", ...TOPIC, "--interval", "5s"], /--interval is of --watch/],
    [["topics", "update", "kafka://127.0.0.1:1", ...TOPIC], /--partitions or --retention is needed/],
    [["doctor", "kafka://127.0.0.1:1", "--group", "g"], /--group goes with --topic: a group is of a topic/],
    [
      ["read", "kafka://127.0.0.1:1", ...TOPIC, "--from", "2026-12-01", "--until", "2026-11-01"],
      /--until 2026-11-01T00:00:00.000Z is before --from 2026-12-01T00:00:00.000Z/,
    ],
  ])("%j", async (args, message) => {
    const { exitCode, output, errors } = await runInProcess(args);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: "" });
    expect(errors).toMatch(message);
  });
});

describe("a word without an option is wrong usage, and the message suggests the option:", () => {
  const URL = "kafka://127.0.0.1:1";
  test.each<readonly [readonly string[], string | null]>([
    [["topics", "create", "orders"], "topics create --topic orders"],
    [["topics", "create", URL, "orders"], "topics create --topic orders"],
    [["topics", "describe", "two words"], "topics describe --topic 'two words'"],
    [["topics", "delete", "orders", "--execute"], "topics delete --topic orders"],
    [["read", "orders"], "read --topic orders"],
    [["consume", "orders", "billing"], "consume --topic orders --group billing"],
    [["consume", "orders"], "consume --topic orders --group NAME"],
    [["consume", "billing", "--topic", "orders"], "consume --group billing"],
    [["produce", "orders"], "produce --topic orders"],
    [["lag", "orders", "billing"], "lag --topic orders --group billing"],
    [["groups", "list", "orders"], "groups list --topic orders"],
    [["groups", "reset", URL, "orders", "billing", "--to", "earliest"], "groups reset --topic orders --group billing"],
    [["capabilities", "orders"], "capabilities --topic orders"],
    [["doctor", "orders"], "doctor --topic orders"],
    [["produce", "orders.jsonl"], null],
    [["read", URL, "orders", "--topic", "orders"], null],
    [["topics", "list", "orders"], null],
  ])("%j", async (args, meant) => {
    const { exitCode, output, errors } = await runInProcess(args, URL);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: "" });
    expect(errors).toMatch(/^error: /);
    expect(/; did you mean streamport (.*)\?$/m.exec(errors)?.[1] ?? null).toBe(meant);
  });
});

describe("a host and its port without a scheme: did you mean kafka://", () => {
  test.each(["localhost:9092", "127.0.0.1:9092", "one.example:9092,two.example:9092", "localhost:9092?tls=true"])("%s", async (url) => {
    for (const args of [["read", ...TOPIC], ["topics", "list"], ["capabilities"], ["conformance"], ["doctor"]]) {
      const { exitCode, output, errors } = await runInProcess(args, url);
      expect(exitCode).toBe(2);
      expect(output + errors).toContain("did you mean kafka://");
    }
    expect(await runInProcess(["topics", "list", url])).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining("did you mean kafka://"),
    });
  });
});

describe("memory: is wrong usage for a stream that other processes should see, and the message names what to use:", () => {
  test.each<readonly [readonly string[]]>([
    [["produce", ...TOPIC]],
    [["consume", ...TOPIC, "--group", "g"]],
    [["read", ...TOPIC]],
    [["topics", "list"]],
    [["topics", "create", ...TOPIC]],
    [["groups", "list", ...TOPIC]],
    [["groups", "reset", ...TOPIC, "--group", "g", "--to", "earliest"]],
    [["lag", ...TOPIC]],
  ])("%j", async (args) => {
    for (const [url, shown] of [
      ["memory:", "memory:"],
      ["memory:?create=t", "memory:"],
      ["memory:shop", "memory:shop"],
      ["MEMORY:shop?create=t", "memory:shop"],
    ] as const) {
      const { exitCode, output, errors } = await runInProcess(args, url);
      expect({ exitCode, output }).toEqual({ exitCode: 2, output: "" });
      expect(errors).toBe(
        `error: ${shown} is in the process that connects to it: here it would be empty, and gone when this command ends; ` +
          "use the URL of a server, such as kafka://localhost:9092, or of what `streamport emulators` starts " +
          "(memory: is for capabilities, conformance, doctor and demo)\n",
      );
    }
  });
});

describe("an unusable URL is wrong usage, before anything is tried:", () => {
  const GROUP = [...TOPIC, "--group", "g"];
  test.each<readonly [readonly string[]]>([
    [["produce", ...TOPIC, "--lines"]],
    [["consume", ...GROUP]],
    [["read", ...TOPIC]],
    [["topics", "list"]],
    [["topics", "delete", ...TOPIC]],
    [["groups", "reset", ...GROUP, "--to", "earliest"]],
    [["lag", ...TOPIC]],
    [["capabilities"]],
    [["conformance"]],
    [["demo"]],
  ])("%j", async (args) => {
    const tried = async (url: string): Promise<{ readonly exitCode: number; readonly output: string; readonly errors: string }> =>
      runInProcess(args[0] === "demo" ? [...args, url] : args, url);
    for (const [url, message] of [
      ["pigeon:home", new RegExp(`^error: .*there is no provider .*"pigeon"; known are ${availableProviders.join(", ")}\\n$`)],
      ...plannedProviders.map(
        (provider) => [`${provider}://host`, new RegExp(`^error: .*${provider} is not part of this version`)] as const,
      ),
      ["kafka://host:9092?tsl=true", /^error: .*tsl/],
      ["kafka://host:port", /^error: .*port/],
    ] as const) {
      const { exitCode, output, errors } = await tried(url);
      expect({ exitCode, output }).toEqual({ exitCode: 2, output: "" });
      expect(errors).toMatch(message);
    }
  });

  test("the doctor finds it, with the same exit code", async () => {
    const { exitCode, output, errors } = await runInProcess(["doctor", "pigeon:home"]);
    expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: "" });
    expect(output).toMatch(/^FAILED +url +configuration: there is no provider .*\n +-> Correct the URL/m);
  });
});

test.each([["capabilities"], ["doctor"], ["conformance", "--run", "ordering/publish/same-tick"]])(
  "memory: is for %s, with a name as well",
  async (...args) => {
    for (const url of ["memory:", "memory:shop"]) expect(await runInProcess(args, url)).toMatchObject({ exitCode: 0, errors: "" });
  },
);

test.each<readonly [readonly string[]]>([
  [["read", "kafka://user:s3cret@host:9092", "kafka://user:s3cret@other:9092?password=s3cret", ...TOPIC]],
  [["read", "--url=kafka://user:s3cret@host:9092", ...TOPIC]],
  [["kafka://user:s3cret@host:9092"]],
  [["read", "kafka://user:s3cret@", ...TOPIC]],
  [["read", "nothing://user:s3cret@host", ...TOPIC]],
  [["read", "memory:x", ...TOPIC, "--from", "kafka://user:s3cret@host:9092"]],
])("no secret of a URL is ever shown: %j", async (args) => {
  const { exitCode, output, errors } = await runInProcess(args);
  expect(exitCode).toBeGreaterThan(0);
  expect(output + errors).not.toBe("");
  expect(output + errors).not.toContain("s3cret");
});
