import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { styleText } from "node:util";
import type { Command } from "commander";
import { isStreamError } from "../errors.ts";
import { examine } from "./diagnosis/examine.ts";
import { type Finding, failed, ok } from "./diagnosis/finding.ts";
import { type AdapterOptions, connectionTarget, withUrl } from "./options/connection-url.ts";
import { NameOption } from "./options/require-names.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { UsageError } from "./process/exit-errors.ts";
import { packageVersion } from "./process/package-version.ts";
import { withConnection } from "./process/with-connection.ts";

interface Manifest {
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const DETAILS = `
Nothing is stored, created or moved. The doctor asks the provider for the
permissions to send, to consume and to administer, if it can answer. A missing
permission is "doubtful", because it may be intended. --json prints a line for
each check:
  { "check", "result": "ok" | "doubtful" | "failed" | "not-tried",
    "detail", "advice" }

Examples:
  streamport doctor kafka://localhost:9092
  streamport doctor --topic flights --group delays
  streamport doctor --json | jq 'select(.result == "failed")'`;

interface Options extends AdapterOptions {
  readonly topic?: string;
  readonly group?: string;
  readonly json?: boolean;
}

const MARKS = {
  ok: ["green", "ok        "],
  doubtful: ["yellow", "doubtful  "],
  failed: ["red", "FAILED    "],
  "not-tried": ["gray", "not tried "],
} as const;

/** The details begin behind mark and name. */
const NAME_WIDTH = 16;
const INDENT = MARKS.ok[1].length + NAME_WIDTH + 2;

export function addDoctor(program: Command): void {
  withUrl(program.command("doctor"))
    .summary("find problems of a connection, and what to do")
    .description(
      "Tries what can be tried without harm, and says what to do about each finding. The exit code is 1 when something is wrong, 2 when it is the URL.",
    )
    .addOption(new NameOption("-t, --topic <topic>", "tries to describe and to read this topic"))
    .addOption(new NameOption("-g, --group <group>", "looks at this group of the topic; goes with --topic"))
    .option("--json", "as JSON lines")
    .addHelpText("after", DETAILS)
    .action(diagnose);
}

async function diagnose(argument: string | undefined, { topic, group, json, ...given }: Options): Promise<void> {
  const target = connectionTarget(argument, given);
  if (group !== undefined && topic === undefined) throw new UsageError("--group goes with --topic: a group is of a topic");
  const output = new StandardOutput();
  const print = async (finding: Finding): Promise<void> => {
    await output.write(json === true ? `${JSON.stringify(finding)}\n` : asText(finding));
    if (finding.result === "failed") process.exitCode = 1;
  };
  await print(ok("versions", versions()));
  try {
    await withConnection(target, async (connection) => {
      await print(ok("url", `${connection.provider}, from ${argument === undefined ? "STREAM_URL" : "the argument"}`));
      for await (const finding of examine(connection, { topic, group })) await print(finding);
    });
  } catch (error) {
    // Errors after `connect` are findings of `examine`.
    if (!(error instanceof UsageError) || !isStreamError(error.cause)) throw error;
    await print(failed("url", error.cause));
    process.exitCode = 2;
  }
}

function asText({ check, result, detail, advice }: Finding): string {
  const [colour, mark] = MARKS[result];
  const todo = advice === null ? "" : `${" ".repeat(INDENT)}-> ${advice}\n`;
  return `${styleText(colour, mark, { stream: process.stdout })} ${check.padEnd(NAME_WIDTH)} ${detail}\n${todo}`;
}

/** The versions of this package, of Node, and of the installed SDKs that adapters may need. */
function versions(): string {
  const manifest = findPackageJSON("..", import.meta.url);
  const { peerDependencies = {} } = readManifest(manifest);
  const sdks = Object.keys(peerDependencies).map((name) => `${name} ${installedVersion(name) ?? "not installed"}`);
  return [`streamport ${packageVersion()}`, `node ${process.versions.node}`, ...sdks].join(", ");
}

function installedVersion(name: string): string | undefined {
  try {
    return readManifest(findPackageJSON(name, import.meta.url)).version;
  } catch {
    // The SDK is not installed.
    return undefined;
  }
}

function readManifest(path: string | undefined): Manifest {
  return path === undefined ? {} : (JSON.parse(readFileSync(path, "utf8")) as Manifest);
}
