import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** The version of this package, for the sources and for the built files. */
export function packageVersion(): string {
  const manifest = findPackageJSON("..", import.meta.url);
  if (manifest === undefined) throw new TypeError("streamport has lost its package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
