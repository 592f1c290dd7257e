import type { Emulator, ListeningOptions } from "./emulator.ts";

/** How a provider is started in this process. */
export type StartInProcess = (options?: ListeningOptions) => Promise<Emulator>;

/** Every provider that can run in this process, by its id: the only list of them. Each is loaded when it is asked for. */
export const inProcessProviders: Readonly<Record<string, StartInProcess>> = {
  memory: async (options) => (await import("./memory-emulator.ts")).startMemoryEmulator(options),
  kafka: async (options) => (await import("./kafka/broker/emulated-kafka.ts")).startEmulatedKafka(options),
};

/** Those of them that other processes can reach; memory is in the one that uses it. */
export const reachableProviders: readonly string[] = Object.keys(inProcessProviders).filter((provider) => provider !== "memory");

/**
 * The emulator behind a URL that means something in this process, for faults.
 * @returns null for the URL of a server
 * @throws `configuration` for settings that the URL cannot have
 */
export async function emulatorOf(url: string): Promise<Emulator | null> {
  if (!/^memory:/i.test(url)) return null;
  const { memoryEmulatorOf } = await import("./memory-emulator.ts");
  return memoryEmulatorOf(url);
}
