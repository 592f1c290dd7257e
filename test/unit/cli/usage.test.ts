import { describe, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
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

const TOPIC = ["--topic", "t"];

describe("wrong usage names what was received and what is allowed, with exit code 2:", () => {
  test.each<readonly [readonly string[], RegExp]>([
    [["reed"], /unknown command 'reed'[^]*Did you mean read\?/],
    [["read", "memory:x", ...TOPIC, "--form", "now"], /unknown option '--form'[^]*Did you mean --from\?/],
    [["read", "memory:x"], /'-t, --topic <topic>' not specified/],
    [["read", ...TOPIC], /a URL is needed.*STREAM_URL/],
    [["read", "memory:x", ...TOPIC, "--from", "yesterday"], /'yesterday' is invalid.*earliest, latest, at:POSITION.*15m/],
    [["read", "memory:x", ...TOPIC, "--until", "latest"], /'latest' is invalid.*now, through:POSITION/],
    [["read", "memory:x", ...TOPIC, "--max", "0"], /'0' is invalid.*at least 1/],
    [["read", "memory:x", ...TOPIC, "--follow", "--until", "now"], /'--follow' cannot be used with option '--until/],
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
  ])("%j", async (args, message) => {
    const { exitCode, output, errors } = await runInProcess(args);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: "" });
    expect(errors).toMatch(message);
  });
});

describe("memory: is refused where nobody else could see it, with or without a name, and what to use is told:", () => {
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
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: "" });
      expect(errors).toBe(
        `invalid-argument: ${shown} is in the process that connects to it: here it would be empty, and gone when this command ends; ` +
          "use the URL of a server, such as kafka://localhost:9092, or of what `streamport emulators` starts " +
          "(memory: is for capabilities, conformance, doctor and demo)\n",
      );
    }
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
