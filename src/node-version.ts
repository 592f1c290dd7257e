/** What `engines` in package.json asks for. */
const LOWEST_MAJOR = 22;
const LOWEST_MINOR = 15;

/**
 * What to say on a Node that is too old; `null` on any other. To be asked before anything is loaded that such a Node lacks: it would
 * only tell which export of which module is missing.
 */
export function unsupportedNodeMessage(version: string = process.versions.node): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > LOWEST_MAJOR || (major === LOWEST_MAJOR && minor >= LOWEST_MINOR)) return null;
  return `streamport needs Node ${LOWEST_MAJOR}.${LOWEST_MINOR} or newer; this is v${version}`;
}
