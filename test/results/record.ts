import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A result with what is needed to get it again. Kept beside this file; the texts are generated from it. */
export interface Recorded<Result> {
  readonly command: string;
  /** With a "+" where the tree held uncommitted changes. */
  readonly commit: string;
  readonly date: string;
  readonly environment: string;
  readonly result: Result;
}

function pathOf(name: string): string {
  return join(import.meta.dirname, `${name}.json`);
}

/** What this checkout and this machine are. */
export function originOf(): Omit<Recorded<never>, "command" | "result"> {
  const git = (...args: readonly string[]): string => execFileSync("git", args, { encoding: "utf8", cwd: import.meta.dirname }).trim();
  const changed = git(
    "status",
    "--porcelain",
    "--untracked-files=no",
    "--",
    ":/src",
    ":/adapters",
    ":/localstack",
    ":/test/bench",
    ":/test/long",
  );
  return {
    commit: git("rev-parse", "--short=12", "HEAD") + (changed === "" ? "" : "+"),
    date: new Date().toISOString().slice(0, 10),
    environment: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  };
}

export function writeRecord(name: string, command: string, result: object): Promise<void> {
  return writeAs(name, { command, ...originOf(), result } satisfies Recorded<object>);
}

/** @throws when nothing of this name has been recorded */
export function readRecord<Result>(name: string): Promise<Recorded<Result>> {
  return readAs(name);
}

export async function writeAs(name: string, content: object): Promise<void> {
  await writeFile(pathOf(name), `${JSON.stringify(content, null, 2)}\n`);
}

/** @throws when nothing of this name has been recorded */
export async function readAs<Content>(name: string): Promise<Content> {
  return JSON.parse(await readFile(pathOf(name), "utf8")) as Content;
}
