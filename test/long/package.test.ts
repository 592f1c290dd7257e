import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../package/command.ts";
import { compileProgram, ownCompiler } from "../package/compile-program.ts";
import { WORKED, compileCommonJs, typedCommonJs } from "../package/kafka-program.ts";
import { projectWithKafka, projectWithPackage } from "../package/packed-once.ts";
import { expectedOutput, program } from "../package/program.ts";
import { otherNode, typescriptCompiler } from "../package/tool-cache.ts";
import { webpackBundle } from "../package/webpack-bundle.ts";

// What the package promises on releases between the lowest and the newest, which are tried in `npm test`.

let folder: string;
let project: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-package-"));
  project = await projectWithPackage(join(folder, "project"));
  await writeFile(join(project, "program.ts"), program);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("under TypeScript 5.9", () => {
  test.each(["nodenext", "preserve"])("types resolve with skipLibCheck: false and no SDK, module %s", async (module) => {
    const compiler = await typescriptCompiler("5.9.3");
    expect(await runCommand(process.execPath, [compiler, "--version"], project)).toMatch(/^Version 5\.9\./);
    await compileProgram(project, compiler, module, ["--noEmit"]);
  });
});

test("a CommonJS project of TypeScript needs 5.8, and module nodenext", async () => {
  const commonJs = await typedCommonJs(await projectWithKafka(join(folder, "beside")));
  await compileCommonJs(commonJs, await typescriptCompiler("5.8.3"));
  for (const node of [process.execPath, await otherNode("22.15.0")]) {
    expect(await runCommand(node, [join("out", "program.js")], commonJs)).toBe(WORKED);
  }
  await expect(compileCommonJs(commonJs, await typescriptCompiler("5.7.3"))).rejects.toThrow(/TS1479/);
});

test("the whole conformance suite runs from the command line on the Node of development, faults included", async () => {
  const command = join(project, "node_modules", ".bin", "streamport");
  const lines = (await runCommand(process.execPath, [command, "conformance", "memory:", "--json"], project)).trim().split("\n");
  expect(JSON.parse(lines.at(-1)!)).toEqual({
    summary: { provider: "memory", passed: lines.length - 1, failed: 0, unsupported: 0, missing: 0 },
  });
});

test("webpack bundles it, minified", async () => {
  await compileProgram(project, ownCompiler, "nodenext", ["--outDir", "."]);
  const bundled = await webpackBundle(project, "./program.js", { minimize: true });
  expect((await runCommand(process.execPath, [bundled], project)).trim()).toBe(expectedOutput);
});
