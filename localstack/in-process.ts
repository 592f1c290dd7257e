import type { Emulator } from "../src/conformance/index.ts";
import { startMemoryEmulator } from "./memory-emulator.ts";

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
