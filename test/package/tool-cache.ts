import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import { projectRoot } from "./packed-package.ts";

/**
 * A package that cannot be a development dependency because the command it brings is already taken (`node`, `tsc`).
 * Installed once into `node_modules/.cache`; without the registry the test fails and says why.
 * @returns the folder of the installed package
 */
async function installTool(name: string, version: string): Promise<string> {
  const cache = join(projectRoot, "node_modules", ".cache", "streamport");
  const home = join(cache, `${name}-${version}`);
  const folder = join(home, "node_modules", name);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  // Installed beside and renamed when complete: a run that was cut short leaves no half of a tool behind.
  const making = await mkdtemp(join(cache, "making-"));
  await writeFile(join(making, "package.json"), JSON.stringify({ private: true }));
  try {
    await runCommand("npm", ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", `${name}@${version}`], making);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw new Error(`this test needs ${name}@${version} and could not install it: is the package registry out of reach?`, { cause: error });
  }
  await rename(making, home).catch(async (error: unknown) => {
    // Another run was faster: its copy is as good.
    await rm(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
  return folder;
}

/** Another Node than the one of development, as the binary package that the `node` package itself would install. */
export async function otherNode(version: string): Promise<string> {
  const platform = process.platform === "win32" ? "win" : process.platform;
  return join(await installTool(`node-${platform}-${process.arch}`, version), "bin", "node");
}

/** `tsc` of another release of TypeScript than the one that builds. */
export async function typescriptCompiler(version: string): Promise<string> {
  return join(await installTool("typescript", version), "bin", "tsc");
}

/** The command of Jest, which applications use beside us and we do not. */
export async function jest(): Promise<string> {
  return join(await installTool("jest", "30.5.2"), "bin", "jest.js");
}
