import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "./command.ts";
import { ownCompiler } from "./compile-program.ts";
import { BODY, IMPORTING, REQUIRING, TYPED, WORKED, compileCommonJs, typedCommonJs } from "./kafka-program.ts";
import { projectWithKafka, projectWithPackage } from "./packed-once.ts";
import { projectRoot } from "./packed-package.ts";
import { jest, otherNode } from "./tool-cache.ts";
import { webpackBundle } from "./webpack-bundle.ts";

// What the README says under "Install", each in a project as an application has it.

const LOWEST_NODE = "22.15.0";
/** `npm` warns there: the control of what is looked for. */
const TOO_OLD_NODE = "20.20.2";
const SAYS_INSTALL = "npm install kafkajs@2.2.4";

let folder: string;
/** The package alone, and beside kafkajs. */
let alone: string;
let beside: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-with-kafka-"));
  alone = await projectWithPackage(join(folder, "alone"));
  beside = await projectWithKafka(join(folder, "beside"));
  for (const project of [alone, beside]) {
    await writeFile(join(project, "program.mjs"), IMPORTING);
    await writeFile(join(project, "program.cjs"), REQUIRING);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const nodes = [
  { name: "the lowest supported Node", node: () => otherNode(LOWEST_NODE) },
  { name: "the Node of development", node: async () => process.execPath },
];

describe.each(nodes)("on $name", ({ node }) => {
  test.each(["program.mjs", "program.cjs"])("%s works with kafkajs beside the package", async (file) => {
    expect(await runCommand(await node(), [file], beside)).toBe(WORKED);
  });

  test.each(["program.mjs", "program.cjs"])("%s without kafkajs says to install it", async (file) => {
    expect(await runCommand(await node(), [file], alone)).toContain(SAYS_INSTALL);
  });
});

test("a kafkajs that is there and cannot be loaded is not one to install", async () => {
  const project = await projectWithPackage(join(folder, "broken"));
  const broken = join(project, "node_modules", "kafkajs");
  await mkdir(join(broken, "src", "network"), { recursive: true });
  await writeFile(join(broken, "package.json"), JSON.stringify({ name: "kafkajs", version: "9.9.9" }));
  for (const name of ["connection", "socketFactory"])
    await writeFile(join(broken, "src", "network", `${name}.js`), "throw new Error('no')");
  await writeFile(join(project, "program.mjs"), IMPORTING);
  const printed = await runCommand(process.execPath, ["program.mjs"], project);
  expect(printed).toMatch(/^configuration kafkajs is installed but could not be loaded; it is known to work in version 2\.2\.4/);
  expect(printed).not.toContain("npm install");
});

describe("bundles", () => {
  async function bundle(format: "esm" | "cjs", external: readonly string[], project: string): Promise<string> {
    const outfile = join(project, `bundle-${external.length}.${format === "esm" ? "mjs" : "cjs"}`);
    const result = await build({
      stdin: { contents: IMPORTING, loader: "js", resolveDir: project },
      bundle: true,
      platform: "node",
      format,
      external: [...external],
      outfile,
      logLevel: "silent",
    });
    expect(result.warnings).toEqual([]);
    return outfile;
  }

  test("an ES module of esbuild has kafkajs beside it when it is left out", async () => {
    expect(await runCommand(process.execPath, [await bundle("esm", ["kafkajs"], beside)], beside)).toBe(WORKED);
  });

  test("an ES module of esbuild that holds kafkajs says what is wrong, and not to install it", async () => {
    const printed = await runCommand(process.execPath, [await bundle("esm", [], beside)], beside);
    expect(printed).toMatch(/^configuration kafkajs is CommonJS and was bundled into an ES module.*--external:kafkajs/);
    expect(printed).not.toContain("npm install");
  });

  test("a CommonJS bundle of esbuild holds kafkajs", async () => {
    const outfile = await bundle("cjs", [], beside);
    expect(await runCommand(process.execPath, [outfile], beside)).toBe(WORKED);
    const elsewhere = join(folder, "elsewhere.cjs");
    await cp(outfile, elsewhere);
    expect(await runCommand(process.execPath, [elsewhere], folder)).toBe(WORKED);
  });

  test("where kafkajs is not installed, a bundle is made and says to install it", async () => {
    for (const format of ["esm", "cjs"] as const) {
      expect(await runCommand(process.execPath, [await bundle(format, [], alone)], alone)).toContain(SAYS_INSTALL);
    }
  });

  test("webpack leaves kafkajs out by itself", async () => {
    // The long tier has its bundle minimized.
    const bundled = await webpackBundle(beside, "./program.mjs", { minimize: false });
    expect(await runCommand(process.execPath, [bundled], beside)).toBe(WORKED);
  });
});

test("a CommonJS project of TypeScript works with module nodenext", async () => {
  const project = await typedCommonJs(beside);
  await compileCommonJs(project, ownCompiler);
  for (const { node } of nodes) expect(await runCommand(await node(), [join("out", "program.js")], project)).toBe(WORKED);
});

test("from TypeScript 6 on, the types of Node must be named", async () => {
  const program = join(beside, "typed.mts");
  await writeFile(program, TYPED);
  const options = ["--strict", "--target", "es2023", "--module", "nodenext", "--skipLibCheck", "false", "--noEmit", "typed.mts"];
  await runCommand(process.execPath, [ownCompiler, "--types", "node", ...options], beside);
  await expect(runCommand(process.execPath, [ownCompiler, ...options], beside)).rejects.toThrow(/Cannot find name/);
});

describe("Jest", () => {
  const IN_A_TEST = BODY.replace("main();", 'test("works", main);')
    .replace("console.log(value)", 'expect(value).toBe("order 1")')
    .replace(/catch \(error\) \{[^}]*\}/, "catch (error) { throw error; }");
  const imports = IMPORTING.replace(BODY, IN_A_TEST);
  const requires = REQUIRING.replace(BODY, IN_A_TEST);

  async function runJest(
    node: string,
    file: string,
    flags: readonly string[],
    program = file.endsWith(".mjs") ? imports : requires,
  ): Promise<string> {
    const project = await mkdtemp(join(folder, "jest-"));
    await symlink(join(beside, "node_modules"), join(project, "node_modules"), "dir");
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "jest-project" }));
    await writeFile(join(project, file), program);
    const { status, stderr } = spawnSync(node, [...flags, await jest(), "--rootDir", project], { encoding: "utf8", cwd: project });
    return status === 0 ? "passed" : stderr;
  }

  test("runs a test that is an ES module on every supported Node, with --experimental-vm-modules", async () => {
    for (const { node } of nodes) expect(await runJest(await node(), "a.test.mjs", ["--experimental-vm-modules"])).toBe("passed");
  });

  test("runs a test that requires it from Node 24.9 on, with the same flag", async () => {
    expect(await runJest(process.execPath, "a.test.cjs", ["--experimental-vm-modules"])).toBe("passed");
  });

  test("runs a test whose timers are fake, all of them, for memory and for Kafka", async () => {
    const fake = (provider: string): string =>
      `import { jest } from "@jest/globals";\n${imports}`
        .replace('startEmulator("kafka"', `startEmulator("${provider}"`)
        .replace("async function main() {", "async function main() {\n  jest.useFakeTimers();");
    for (const provider of ["memory", "kafka"]) {
      expect(await runJest(process.execPath, "a.test.mjs", ["--experimental-vm-modules"], fake(provider))).toBe("passed");
    }
  });

  test("says itself that it cannot without the flag", async () => {
    expect(await runJest(process.execPath, "a.test.cjs", [])).toMatch(/Must use import to load ES Module/);
  });
});

describe("npm", () => {
  /** What `npm` warns of engines, run by another Node. */
  async function engineWarnings(version: string, args: readonly string[], project: string): Promise<readonly string[]> {
    const path = `${dirname(await otherNode(version))}${delimiter}${process.env["PATH"] ?? ""}`;
    const { status, stderr } = spawnSync("npm", [...args, "--dry-run", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: project,
      encoding: "utf8",
      env: { ...process.env, PATH: path },
    });
    expect(status, stderr).toBe(0);
    return [...stderr.matchAll(/EBADENGINE +package: '([^@]+)@/g)].map(([, name]) => name!);
  }

  async function emptyProject(): Promise<string> {
    const project = await mkdtemp(join(folder, "npm-"));
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "npm-project", private: true }));
    return project;
  }

  const installed = (): readonly string[] => [
    "install",
    ...["streamport", "commander", "kafkajs"].map((name) => join(beside, "node_modules", name)),
  ];

  test("does not warn of engines on the lowest supported Node when the package is installed", async () => {
    expect(await engineWarnings(LOWEST_NODE, installed(), await emptyProject())).toEqual([]);
    expect(await engineWarnings(TOO_OLD_NODE, installed(), await emptyProject())).toContain("streamport");
  });

  test("nor in a clone, where development needs no newer one", async () => {
    const clone = await emptyProject();
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) await cp(join(projectRoot, name), join(clone, name));
    expect(await engineWarnings(LOWEST_NODE, ["ci"], clone)).toEqual([]);
    expect(await engineWarnings(TOO_OLD_NODE, ["ci"], clone)).toContain("streamport");
  });
});
