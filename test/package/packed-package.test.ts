import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reachableProviders } from "../../localstack/in-process.ts";
import { runCommand } from "./command.ts";
import { compileProgram, ownCompiler } from "./compile-program.ts";
import { projectWithPackage } from "./packed-once.ts";
import { type Manifest, projectRoot, readManifest } from "./packed-package.ts";
import { availableProviders, plannedProviders } from "../providers.ts";
import { expectedOutput, program } from "./program.ts";
import { otherNode, typescriptCompiler } from "./tool-cache.ts";

let folder: string;
let project: string;
let manifest: Manifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-package-"));
  manifest = await readManifest();
  project = await projectWithPackage(join(folder, "project"));
  await writeFile(join(project, "program.ts"), program);
  await compileProgram(project, ownCompiler, "nodenext", ["--outDir", "."]);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function installed(...path: string[]): string {
  return join(project, "node_modules", "streamport", ...path);
}

async function packedFiles(): Promise<string[]> {
  return (await readdir(installed(), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed().length + 1));
}

function entries(): string[] {
  return Object.keys(manifest.exports).map((path) => path.replace(/^\./, "streamport"));
}

const nodes = [
  { name: "the lowest supported Node", node: () => otherNode(lowestVersion()), run: [] },
  // The whole suite is in the long tier: `test/long/package.test.ts`.
  { name: "the Node of development", node: async () => process.execPath, run: ["--run", "ordering/**", "--run", "replay/**"] },
];

/** `>=22.15` is 22.15.0. */
function lowestVersion(): string {
  const version = /^>=(\d+\.\d+)$/.exec(manifest.engines.node)?.[1];
  if (version === undefined) throw new Error(`engines.node is ${manifest.engines.node}, not ">=major.minor"`);
  return `${version}.0`;
}

describe.each(nodes)("on $name", ({ node, run }) => {
  test("every entry can be imported and required, with the same names", async () => {
    const script = `
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      const names = (module) => Object.keys(module).filter((name) => name !== "default" && name !== "module.exports").sort().join();
      for (const entry of ${JSON.stringify(entries().filter((entry) => !entry.endsWith(".json")))}) {
        const imported = names(await import(entry));
        const required = names(require(entry));
        if (imported === "" || imported !== required) throw new Error(entry + ": imported " + imported + ", required " + required);
      }
      if (require("streamport/package.json").name !== "streamport") throw new Error("package.json");
      console.log("all");
    `;
    await writeFile(join(project, "entries.js"), script);
    expect((await runCommand(await node(), ["entries.js"], project)).trim()).toBe("all");
  });

  test("the conformance suite runs from the command line, faults included", async () => {
    const command = join(project, "node_modules", ".bin", "streamport");
    const lines = (await runCommand(await node(), [command, "conformance", "memory:", "--json", ...run], project)).trim().split("\n");
    expect(lines.length).toBeGreaterThan(40);
    expect(JSON.parse(lines.at(-1)!)).toEqual({
      summary: { provider: "memory", passed: lines.length - 1, failed: 0, unsupported: 0, missing: 0 },
    });
  });

  test("a program runs and its process ends by itself", async () => {
    expect((await runCommand(await node(), ["program.js"], project)).trim()).toBe(expectedOutput);
  });
});

test("on a Node that is too old the command says so", async () => {
  const command = join(project, "node_modules", ".bin", "streamport");
  const [tooOld, lowest] = [await otherNode("20.20.2"), lowestVersion().replace(/\.0$/, "")];
  for (const args of [["--version"], ["read", "kafka://localhost:9092", "--topic", "t"]]) {
    const { status, stdout, stderr } = spawnSync(tooOld, [command, ...args], { encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: "",
      stderr: `configuration: streamport needs Node ${lowest} or newer; this is v20.20.2\n`,
    });
  }
});

// One between them is in the long tier: `test/long/package.test.ts`.
const compilers = [
  // Nothing before it knows `AsyncDisposable`.
  { name: "5.2, the lowest", compiler: () => typescriptCompiler("5.2.2"), version: /^Version 5\.2\./, modules: ["nodenext"] },
  { name: "that builds", compiler: async () => ownCompiler, version: /^Version 7\./, modules: ["nodenext", "preserve"] },
];

describe.each(compilers)("under the TypeScript $name", ({ compiler, version, modules }) => {
  test.each(modules)("types resolve with skipLibCheck: false and no SDK, module %s", async (module) => {
    const path = await compiler();
    expect(await runCommand(process.execPath, [path, "--version"], project)).toMatch(version);
    await compileProgram(project, path, module, ["--noEmit"]);
  });
});

test("exports name files that are there, and nothing but the product is packed", async () => {
  for (const target of Object.values(manifest.exports)) {
    for (const file of typeof target === "string" ? [target] : Object.values(target)) {
      expect(await readFile(installed(file), "utf8"), file).not.toBe("");
    }
  }
  const files = await packedFiles();
  // Of the local stack what runs in the process; nothing that starts servers.
  const outside = files.filter((file) => !/^dist\/(src|adapters|localstack)\/.*\.(js|d\.ts)$/.test(file));
  expect(outside.toSorted()).toEqual([
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    ...["adapters/README.md", ...(await guidesIn("adapters", availableProviders))].toSorted(),
    "dist/localstack/demo/flights-20k.jsonl.gz",
    "localstack/README.md",
    "localstack/demo/README.md",
    ...[...(await guidesIn("localstack", reachableProviders)), "localstack/kafka/broker/README.md"].toSorted(),
    "package.json",
    "src/adapter-kit/README.md",
    "src/cli/README.md",
    "src/conformance/README.md",
    "src/diagnostics/README.md",
    "src/envelope/README.md",
    "src/leases/README.md",
    "src/migration/README.md",
    "src/migration/guide/README.md",
    "test/RESULTS.md",
  ]);
  expect(files.filter((file) => /^dist\/localstack\/kafka\/(?!broker\/)|\.test\./.test(file))).toEqual([]);
  const declared = files.filter((file) => file.endsWith(".js")).map((file) => file.replace(/\.js$/, ".d.ts"));
  expect(declared.filter((file) => !files.includes(file))).toEqual([]);
});

/** The guides of adapters or emulators: of all that are there, also of those that the lists of providers do not have yet. */
async function guidesIn(folder: "adapters" | "localstack", listed: readonly string[]): Promise<readonly string[]> {
  const pages = (await readdir(join(projectRoot, folder), { recursive: true })).map((path) => `${folder}/${path}`);
  const guides = pages.filter((page) => /^\w+\/(?!demo\/)[^/]+\/README\.md$/.test(page));
  expect(guides).toEqual(expect.arrayContaining(listed.map((provider) => `${folder}/${provider}/README.md`)));
  return guides;
}

test("the package is small: what it unpacks to, and what it brings as data", async () => {
  const sizes = await Promise.all((await packedFiles()).map(async (file) => (await stat(installed(file))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(6_000_000);
});

test("the entries of providers are their factories, and nothing that only the package itself needs", async () => {
  const providerEntries = [...availableProviders, "emulators"];
  const script = `
    for (const entry of ${JSON.stringify(providerEntries)}) console.log(entry, Object.keys(await import("streamport/" + entry)).join());
  `;
  await writeFile(join(project, "names.js"), script);
  const printed = await runCommand(process.execPath, ["names.js"], project);
  // In camel case: the factory of "event-hubs" is `eventHubs`.
  const factories = availableProviders.map(
    (provider) => `${provider} ${provider.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}`,
  );
  expect(printed).toBe([...factories, "emulators startEmulator", ""].join("\n"));
});

test("a provider without an adapter has no entry: a subpath that can only fail is worse than none", () => {
  const paths = plannedProviders.map((provider) => `./${provider}`);
  expect(paths.filter((path) => path in manifest.exports)).toEqual([]);
});

test("it cannot be published while the addresses in package.json are placeholders", async () => {
  const addresses = [manifest.homepage, manifest.bugs, manifest.repository.url];
  const placeholders = addresses.filter((address) => /\.example\b/.test(address));
  const published = runCommand(process.execPath, [join("test", "package", "require-real-addresses.ts")], projectRoot);
  if (placeholders.length === 0) await expect(published).resolves.toBe("");
  else await expect(published).rejects.toThrow(/is a placeholder/);
});

test("every relative link of a page that is packed leads to a file that is packed", async () => {
  const pages = (await packedFiles()).filter((file) => file.endsWith(".md"));
  const links = await Promise.all(
    pages.map(async (page) => {
      const targets = [...(await readFile(installed(page), "utf8")).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)];
      return targets.map(([, target]) => ({ page, target: normalize(join(dirname(page), target!)) }));
    }),
  );
  expect(links.flat().length).toBeGreaterThan(10);
  const entries = new Set((await readdir(installed(), { recursive: true })).map((path) => normalize(path)));
  expect(links.flat().filter(({ target }) => !entries.has(target.replace(/\/$/, "")))).toEqual([]);
});

test("the source of the demo's data is named in what is packed", async () => {
  expect(await readFile(installed("localstack", "demo", "README.md"), "utf8")).toMatch(
    /Source: U\.S\. Bureau of Transportation Statistics/,
  );
});

test("nothing runs when it is installed: npm warns of packages with scripts of that kind", () => {
  const scripts = Object.keys(manifest.scripts);
  expect(scripts.filter((name) => ["preinstall", "install", "postinstall", "prepublish", "prepare"].includes(name))).toEqual([]);
  // What does it instead: before packing, and in a clone.
  expect(scripts).toEqual(expect.arrayContaining(["prepack", "dependencies"]));
});

test("needs no package at run time but the parser of the command line", () => {
  expect(Object.keys(manifest.dependencies ?? {})).toEqual(["commander"]);
});

test("brings the command line, which finds the data of the demo", async () => {
  const command = join(project, "node_modules", ".bin", "streamport");
  expect((await runCommand(process.execPath, [command, "--version"], project)).trim()).toBe(manifest.version);
  const [row] = (await runCommand(process.execPath, [command, "demo", "--json", "--only", "memory"], project)).trim().split("\n");
  expect(JSON.parse(row!)).toMatchObject({ provider: "memory", messages: 20_000, lost: 0, outOfOrder: 0 });
});

// The minified bundle of webpack is in the long tier: `test/long/package.test.ts`; one that is not minified in `with-kafka.test.ts`.
test.each([
  { format: "esm", minify: false },
  { format: "cjs", minify: true },
] as const)("esbuild bundles it ($format, minified: $minify)", async ({ format, minify }) => {
  const outfile = join(project, `esbuild.${format === "esm" ? "mjs" : "cjs"}`);
  // A CommonJS bundle cannot await at its top level: the program stands in a function there.
  const contents = format === "esm" ? program : inFunction(program);
  const result = await build({
    stdin: { contents, loader: "ts", resolveDir: project },
    bundle: true,
    platform: "node",
    format,
    minify,
    outfile,
    logLevel: "silent",
  });
  expect(result.warnings).toEqual([]);
  expect((await runCommand(process.execPath, [outfile], project)).trim()).toBe(expectedOutput);
});

function inFunction(source: string): string {
  const imports = source.split("\n").filter((line) => line.startsWith("import "));
  const body = source.split("\n").filter((line) => !line.startsWith("import "));
  return [...imports, "async function main() {", ...body, "}", "main();"].join("\n");
}
