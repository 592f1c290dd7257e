import { join } from "node:path";
import { runCommand } from "./command.ts";
import { projectRoot } from "./packed-package.ts";

/** `tsc` of the release that builds. */
export const ownCompiler = join(projectRoot, "node_modules", "typescript", "bin", "tsc");

/** Compiles `program.ts` of a project as strictly as an application can: also what the package declares. */
export async function compileProgram(project: string, compiler: string, module: string, more: readonly string[]): Promise<void> {
  const resolution = module === "preserve" ? "bundler" : module;
  const strictness = ["--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false"];
  const environment = ["--target", "es2022", "--lib", "es2022,esnext.disposable", "--types", "node"];
  const modules = ["--module", module, "--moduleResolution", resolution];
  await runCommand(process.execPath, [compiler, ...strictness, ...environment, ...modules, ...more, "program.ts"], project);
}
