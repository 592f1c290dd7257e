/** What applications see of the provider: `streamport/memory`. */
import type { Capability, Driver } from "../../src/driver/index.ts";
import { openWithOptions } from "./open.ts";
import type { MemoryOptions } from "./options.ts";

export type { MemoryOptions } from "./options.ts";

/**
 * Event streams in the memory of this process: for tests, and the executable specification of what every provider promises.
 * All capabilities. Without a name it is private to its connection; with one it is shared by all of the process.
 * @throws `configuration` for unknown options and values
 */
export function memory(options: MemoryOptions = {}): Driver<Capability> {
  return openWithOptions(options);
}
