import { readFile, readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { parseSync } from "oxc-parser";

/** One import: `dynamic` ones load when they are reached, `types` ones vanish when types are stripped. */
export interface ImportEdge {
  /** Path from the root, with "/". */
  readonly from: string;
  /** Path from the root for a file of the tree, else the name of the package or built-in module. */
  readonly to: string;
  readonly kind: "value" | "dynamic" | "types";
}

/** The one file whose purpose is to import what the user names, and what it makes of the name. */
const LOADER = { file: /^src\/cli\/process\/load-module\./, expression: /locate\(specifier\)/ };

/** Every import that the files below these folders really contain, as a parser sees it. */
export async function importGraph(
  root: string,
  folders: readonly string[],
  extension: ".js" | ".d.ts" | ".ts",
): Promise<readonly ImportEdge[]> {
  const edges: ImportEdge[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(extension) || (extension === ".ts" && entry.name.endsWith(".d.ts"))) continue;
      const path = join(entry.parentPath, entry.name);
      edges.push(...importsOf(root, path, await readFile(path, "utf8")));
    }
  }
  return edges;
}

function importsOf(root: string, path: string, source: string): ImportEdge[] {
  const { module, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const declarationsOnly = path.endsWith(".d.ts");
  const edge = (specifier: string, kind: ImportEdge["kind"]): ImportEdge => ({
    from: fromRoot(root, path),
    to: specifier.startsWith(".") ? fromRoot(root, join(dirname(path), specifier)) : specifier,
    kind: declarationsOnly ? "types" : kind,
  });
  return [
    ...module.staticImports.map((found) =>
      edge(found.moduleRequest.value, found.entries.length > 0 && found.entries.every((entry) => entry.isType) ? "types" : "value"),
    ),
    ...module.staticExports.flatMap((found) =>
      found.entries.flatMap((entry) =>
        entry.moduleRequest === null ? [] : [edge(entry.moduleRequest.value, entry.isType ? "types" : "value")],
      ),
    ),
    ...module.dynamicImports
      .map((found) => source.slice(found.moduleRequest.start, found.moduleRequest.end))
      .filter((expression) => !(LOADER.file.test(fromRoot(root, path)) && LOADER.expression.test(expression)))
      .map((expression) => edge(literal(path, expression), "dynamic")),
  ];
}

/** A name that is put together at run time could lead anywhere: nobody could say what is imported. */
function literal(path: string, expression: string): string {
  const name = /^(["'`])([^"'`$]+)\1$/.exec(expression)?.[2];
  if (name === undefined) throw new Error(`${path} imports by an expression, not by a name: ${expression}`);
  return name;
}

function fromRoot(root: string, path: string): string {
  return relative(root, path).split(sep).join("/");
}
