import type { Emulator } from "../src/conformance/index.ts";
import { memoryEmulatorOf, startMemoryEmulator } from "./memory-emulator.ts";

/** A provider that has been started in this process. */
export interface InProcessProvider extends Emulator {
  /** For `connect`. */
  readonly url: string;
  close(): Promise<void>;
}

/** How each provider is started that can run in this process, by its id. */
export const inProcessProviders: Readonly<Record<string, () => Promise<InProcessProvider>>> = {
  memory: () => startMemoryEmulator(),
};

/**
 * The emulator behind a URL that means something in this process, for faults.
 * @returns null for the URL of a server
 * @throws `configuration` for settings that the URL cannot have
 */
export async function emulatorOf(url: string): Promise<InProcessProvider | null> {
  return /^memory:/i.test(url) ? memoryEmulatorOf(url) : null;
}
