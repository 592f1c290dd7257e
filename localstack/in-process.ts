import type { Emulator, ListeningOptions } from "./emulator.ts";

/** Starts one provider in this process. */
export type StartInProcess = (options?: ListeningOptions) => Promise<Emulator>;

/** Every provider that can run in this process, by its id. This is the only list of them. Each is loaded when it is needed. */
export const inProcessProviders: Readonly<Record<string, StartInProcess>> = {
  memory: async (options) => (await import("./memory-emulator.ts")).startMemoryEmulator(options),
  kafka: async (options) => (await import("./kafka/broker/emulated-kafka.ts")).startEmulatedKafka(options),
};

/** The providers that other processes can reach. Memory can only be used in its own process. */
export const reachableProviders: readonly string[] = Object.keys(inProcessProviders).filter((provider) => provider !== "memory");

/**
 * The emulator that a URL reaches in this process, for faults.
 * @returns null if the URL is that of a server
 * @throws `configuration` for settings that the URL must not have
 */
export async function emulatorOf(url: string): Promise<Emulator | null> {
  if (!/^memory:/i.test(url)) return null;
  const { memoryEmulatorOf } = await import("./memory-emulator.ts");
  return memoryEmulatorOf(url);
}
