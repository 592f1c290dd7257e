import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { OpenDriver } from "../../driver/index.ts";
import { UsageError } from "../process/exit-errors.ts";

/** How the module of an adapter exports its opener, for messages and for the help. */
export const ADAPTER_RULE = "its export openDriver, its default export, or its only function named open…";

/**
 * The opener of an adapter outside this package.
 * @param specifier a file, as a path from the working folder, or a package that is installed there
 * @throws `UsageError` if it cannot be loaded, or exports no opener
 */
export async function loadAdapter(specifier: string): Promise<OpenDriver> {
  const exported = await importModule(specifier);
  const opener = openerOf(exported);
  if (opener !== null) return opener;
  const names = Object.keys(exported);
  throw new UsageError(
    `--adapter: the module ${JSON.stringify(specifier)} has no opener, a function from a URL to a driver: ${ADAPTER_RULE}; ` +
      (names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`),
  );
}

function openerOf(exported: Readonly<Record<string, unknown>>): OpenDriver | null {
  for (const opener of [exported["openDriver"], exported["default"]]) if (isOpener(opener)) return opener;
  const openers = Object.entries(exported).flatMap(([name, value]) => (/^open[A-Z]/.test(name) && isOpener(value) ? [value] : []));
  return openers.length === 1 ? openers[0]! : null;
}

/** `connect` checks what the opener returns. */
function isOpener(value: unknown): value is OpenDriver {
  return typeof value === "function";
}

async function importModule(specifier: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(locate(specifier))) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const reason = cause instanceof ModuleMissing ? cause.message : asGiven(String(cause), specifier);
    throw new UsageError(`--adapter: the module ${JSON.stringify(specifier)} could not be loaded: ${reason}`, { cause });
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
