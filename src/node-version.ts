/** The version in `engines` of package.json. */
const LOWEST_MAJOR = 22;
const LOWEST_MINOR = 15;

/**
 * The message for a Node that is too old; `null` on any other. Call it before loading anything that such a Node lacks: the loader's
 * error names only the missing export of a module.
 */
export function unsupportedNodeMessage(version: string = process.versions.node): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > LOWEST_MAJOR || (major === LOWEST_MAJOR && minor >= LOWEST_MINOR)) return null;
  return `streamport needs Node ${LOWEST_MAJOR}.${LOWEST_MINOR} or newer; this is v${version}`;
}
