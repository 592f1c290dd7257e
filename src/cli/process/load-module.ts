import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "./exit-errors.ts";

/** The one who calls it checks what it returns. */
export type LoadedFunction = (url: string) => unknown;

/** The function that a module is loaded for. It is the export `name`, else the default export, else the only function that `pattern` fits. */
export interface WantedExport {
  /** The option that names the module, for messages: `--adapter`. */
  readonly option: string;
  readonly name: string;
  readonly pattern: RegExp;
  /** For messages: `has no opener, a function from …: its export …`. */
  readonly lacking: string;
}

/**
 * @param specifier a file, as a path from the working folder, or a package that is installed there
 * @throws `UsageError` if it cannot be loaded, or does not export the function
 */
export async function loadFunction(specifier: string, wanted: WantedExport): Promise<LoadedFunction> {
  const exported = await importModule(specifier, wanted.option);
  const found = functionOf(exported, wanted);
  if (found !== null) return found;
  const names = Object.keys(exported);
  throw new UsageError(
    `${wanted.option}: the module ${JSON.stringify(specifier)} ${wanted.lacking}; ` +
      (names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`),
  );
}

function functionOf(exported: Exports, { name, pattern }: WantedExport): LoadedFunction | null {
  for (const value of [exported[name], exported["default"]]) if (isFunction(value)) return value;
  const fitting = Object.entries(exported).flatMap(([own, value]) => (pattern.test(own) && isFunction(value) ? [value] : []));
  return fitting.length === 1 ? fitting[0]! : null;
}

function isFunction(value: unknown): value is LoadedFunction {
  return typeof value === "function";
}

type Exports = Readonly<Record<string, unknown>>;

async function importModule(specifier: string, option: string): Promise<Exports> {
  try {
    return (await import(locate(specifier))) as Exports;
  } catch (cause) {
    const reason = cause instanceof ModuleMissing ? cause.message : asGiven(String(cause), specifier);
    throw new UsageError(`${option}: the module ${JSON.stringify(specifier)} could not be loaded: ${reason}`, { cause });
  }
}

/** There is no module to load. Its message does not quote the loader. */
class ModuleMissing extends Error {}

/** The first line of a text, with paths as the user would write them. */
function asGiven(text: string, specifier: string): string {
  const folders = isAbsolute(specifier) ? [] : [[dirname(resolve(specifier)), dirname(specifier)] as const];
  let shown = text.split("\n", 1)[0]!;
  for (const [path, given] of [...folders, [process.cwd(), "."] as const]) {
    // The root itself is part of every path, so it is not replaced.
    if (dirname(path) === path) continue;
    const prefix = given === "." ? "" : `${given}/`;
    shown = shown.replaceAll(pathToFileURL(`${path}/`).href, prefix).replaceAll(join(path, sep), prefix);
  }
  return shown;
}

/** Resolves the module from the working folder, because the user does not know where this package is installed. */
function locate(specifier: string): string {
  if (specifier.startsWith("file:")) {
    if (!existsSync(new URL(specifier))) throw new ModuleMissing("there is no such file");
    return specifier;
  }
  const path = resolve(specifier);
  const request = existsSync(path) ? path : specifier;
  try {
    return pathToFileURL(createRequire(resolve("adapter")).resolve(request)).href;
  } catch (error) {
    // A package with only an `import` export cannot be resolved by `require`. `import` from here finds it, as it is installed next to this package.
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return specifier;
    if (code === "MODULE_NOT_FOUND") {
      const isFolder = existsSync(path);
      throw new ModuleMissing(
        isFolder ? "it is a folder without a module of its own" : "there is neither such a file nor, installed here, such a package",
      );
    }
    throw error;
  }
}
