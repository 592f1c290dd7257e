/** The part of the provider that applications use: `streamport/memory`. */
import type { Capability, Driver } from "../../src/driver/index.ts";
import { openWithOptions } from "./open.ts";
import type { MemoryOptions } from "./options.ts";

export type { MemoryOptions } from "./options.ts";

/**
 * Event streams in the memory of this process: for tests, and as the executable specification of what every provider promises.
 * It has all capabilities. Without a name it is private to its connection; with a name the whole process shares it.
 * @throws `configuration` for unknown options and values
 */
export function memory(options: MemoryOptions = {}): Driver<Capability> {
  return openWithOptions(options);
}
