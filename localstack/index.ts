/** Providers that run in the process, for tests of applications: `streamport/emulators`. */
export { startEmulator } from "./start-emulator.ts";
export type { EmulatedProvider } from "./start-emulator.ts";
export type { DamageOptions } from "./damage-options.ts";
export type { Emulator, EmulatorOptions, EmulatorTopic } from "./emulator.ts";
export type { Fault, FaultKind } from "../src/driver/index.ts";
