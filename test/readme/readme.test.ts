import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../package/command.ts";
import { projectRoot } from "../package/packed-package.ts";

const readme = await readFile(join(projectRoot, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]!);

/** What each block prints, in order; the first goes on until it is interrupted. */
const expected: readonly { readonly lines: readonly RegExp[]; readonly interrupt: boolean }[] = [
  {
    lines: [
      /^stored: (ATL|DFW) (LAX|SEA) p1\./,
      /^stored: (ATL|DFW) (LAX|SEA) p1\./,
      /^stored: (ATL|DFW) (LAX|SEA) p1\./,
      /^handled: (ATL (12|3)|DFW 41)$/,
      /^handled: (ATL (12|3)|DFW 41)$/,
      /^handled: (ATL (12|3)|DFW 41)$/,
    ],
    interrupt: true,
  },
  { lines: [/^not-found missing false$/], interrupt: false },
  { lines: [/^4$/], interrupt: false },
];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-readme-"));
  // A package of this name whose entries are the sources: the blocks run exactly as they are printed.
  const home = join(folder, "node_modules", "streamport");
  await mkdir(home, { recursive: true });
  for (const name of ["src", "adapters"]) await symlink(join(projectRoot, name), join(home, name), "dir");
  const entries = { ".": "./src/index.ts", "./memory": "./adapters/memory/index.ts" };
  await writeFile(join(home, "package.json"), JSON.stringify({ name: "streamport", type: "module", exports: entries }));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { noEmit: true, allowImportingTsExtensions: true, typeRoots: [join(projectRoot, "node_modules", "@types")] };
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(projectRoot, "tsconfig.json"), compilerOptions, include: ["*.ts"] }),
  );
  await Promise.all(blocks.map((block, index) => writeFile(join(folder, `block-${index}.ts`), block)));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("every block is expected here", () => {
  expect(blocks).toHaveLength(expected.length);
});

test("the blocks compile under the strictest settings", async () => {
  await runCommand(process.execPath, [join(projectRoot, "node_modules", "typescript", "bin", "tsc"), "-p", "."], folder);
});

test.each(expected.map((block, index) => ({ ...block, index })))(
  "block $index runs on memory and ends",
  async ({ lines, interrupt, index }) => {
    const printed = await run(`block-${index}.ts`, interrupt ? lines.length : null);
    expect(printed).toHaveLength(lines.length);
    for (const [at, line] of lines.entries()) expect(printed[at]).toMatch(line);
    if (interrupt) expect(printed.filter((line) => line.startsWith("handled: ATL"))).toEqual(["handled: ATL 12", "handled: ATL 3"]);
  },
);

/** @returns the printed lines. Interrupted, as by Ctrl+C, after so many of them. */
async function run(file: string, interruptAfter: number | null): Promise<readonly string[]> {
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 15_000,
    env: { PATH: process.env["PATH"] },
  });
  let output = "";
  let errors = "";
  const lines = (): string[] => output.split("\n").slice(0, -1);
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (lines().length === interruptAfter) child.kill("SIGINT");
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once("close", (...end) => resolve(end)));
  expect({ code, signal, errors }).toEqual({ code: 0, signal: null, errors: "" });
  return lines();
}
