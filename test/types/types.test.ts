import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../package/command.ts";
import { projectRoot } from "../package/packed-package.ts";

test("the programs compile, what they expect to be refused is refused, and what ships is what was agreed", async () => {
  const compiler = join(projectRoot, "node_modules", "typescript", "bin", "tsc");
  const listed = await runCommand(
    process.execPath,
    [compiler, "-p", join(import.meta.dirname, "tsconfig.json"), "--listFiles"],
    projectRoot,
  );
  for (const file of ["programs.ts", "public-interface.ts", "agreed-interface.d.ts"]) {
    expect(listed).toContain(`test/types/${file}`);
  }
});

test("the programs hold refusals, each with a reason", async () => {
  const source = await readFile(join(import.meta.dirname, "programs.ts"), "utf8");
  const refusals = source.match(/\/\/ @ts-expect-error .{10,}/g) ?? [];
  expect(refusals.length).toBeGreaterThan(20);
});
