import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.ts";

export const projectRoot = join(import.meta.dirname, "..", "..");

export interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly engines: { readonly node: string };
  readonly homepage: string;
  readonly bugs: string;
  readonly repository: { readonly url: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}

export async function readManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as Manifest;
}

/** Compiles what ships into `folder/dist`. Never into the project's own `dist`, which others may be reading. */
async function buildInto(folder: string): Promise<string> {
  const dist = join(folder, "dist");
  const compiler = join(projectRoot, "node_modules", "typescript", "bin", "tsc");
  await runCommand(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", dist], projectRoot);
  await runCommand(process.execPath, [join("localstack", "demo", "compress-flights.ts"), dist], projectRoot);
  return dist;
}

/** Packs the package as `npm publish` would. @returns the tarball */
export async function pack(folder: string): Promise<string> {
  const stage = join(folder, "stage");
  await mkdir(stage, { recursive: true });
  await buildInto(stage);
  const { files } = await readManifest();
  // With all that stands beside what is wanted, some of which npm might pack unasked.
  const wanted = files.filter((file) => file !== "dist").map((file) => file.split("/", 1)[0]!);
  for (const name of new Set(["package.json", ...wanted])) await cp(join(projectRoot, name), join(stage, name), { recursive: true });
  const printed = await runCommand("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], stage);
  return join(folder, packedFileName(JSON.parse(printed)));
}

/** npm has printed a list of packages, and in later versions an object by name. */
function packedFileName(printed: unknown): string {
  const [first] = Object.values(printed as Record<string, { filename: string }>);
  if (first === undefined) throw new Error("npm pack did not say what it packed");
  return first.filename;
}

/** An empty project that has only the tarball, and the types of Node that every TypeScript project for Node has. */
export async function installInto(folder: string, tarball: string): Promise<string> {
  const project = join(folder, "project");
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "empty-project", private: true, type: "module" }));
  // The one dependency comes from our own installation, as a copy: no test waits for a registry, and the project can be copied elsewhere.
  const commander = join(projectRoot, "node_modules", "commander");
  await runCommand(
    "npm",
    ["install", "--offline", "--install-links", "--ignore-scripts", "--no-audit", "--no-fund", tarball, commander],
    project,
  );
  await mkdir(join(project, "node_modules", "@types"), { recursive: true });
  for (const name of ["@types/node", "undici-types"]) {
    await symlink(join(projectRoot, "node_modules", name), join(project, "node_modules", name), "dir");
  }
  return project;
}
