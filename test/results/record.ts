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

export async function writeRecord(name: string, command: string, result: object): Promise<void> {
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
  const record: Recorded<object> = {
    command,
    commit: git("rev-parse", "--short=12", "HEAD") + (changed === "" ? "" : "+"),
    date: new Date().toISOString().slice(0, 10),
    environment: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    result,
  };
  await writeFile(pathOf(name), `${JSON.stringify(record, null, 2)}\n`);
}

/** @throws when nothing of this name has been recorded */
export async function readRecord<Result>(name: string): Promise<Recorded<Result>> {
  return JSON.parse(await readFile(pathOf(name), "utf8")) as Recorded<Result>;
}
