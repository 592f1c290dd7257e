import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { packageVersion } from "../process/package-version.ts";

/** Of this package, of Node, and of the SDKs that adapters may need, as far as they are installed. */
export function versions(): string {
  const manifest = findPackageJSON("..", import.meta.url);
  const { peerDependencies = {} } = readManifest(manifest);
  const sdks = Object.keys(peerDependencies).map((name) => `${name} ${installedVersion(name) ?? "not installed"}`);
  return [`streamport ${packageVersion()}`, `node ${process.versions.node}`, ...sdks].join(", ");
}

interface Manifest {
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function installedVersion(name: string): string | undefined {
  try {
    return readManifest(findPackageJSON(name, import.meta.url)).version;
  } catch {
    // Not found is the answer.
    return undefined;
  }
}

function readManifest(path: string | undefined): Manifest {
  return path === undefined ? {} : (JSON.parse(readFileSync(path, "utf8")) as Manifest);
}
