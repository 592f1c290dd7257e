import type { Emulator, ListeningOptions } from "./emulator.ts";

/** Starts one provider in this process. */
export type StartInProcess = (options?: ListeningOptions) => Promise<Emulator>;

/** By the provider's id; each emulator is loaded when it is needed. `null`: it is not part of this version. This is the only list of them. */
const emulators: Readonly<Record<string, StartInProcess | null>> = {
  // In the process, for tests.
  memory: async (options) => (await import("./memory-emulator.ts")).startMemoryEmulator(options),

  // Apache Kafka.
  kafka: async (options) => (await import("./kafka/broker/emulated-kafka.ts")).startEmulatedKafka(options),

  // Amazon Kinesis Data Streams, and the tables of DynamoDB that its groups need.
  kinesis: async (options) => (await import("./kinesis/emulated-kinesis.ts")).startEmulatedKinesis(options),

  // Azure Event Hubs, and the blobs that its groups need.
  "event-hubs": async (options) => (await import("./event-hubs/emulated-event-hubs.ts")).startEmulatedEventHubs(options),

  // Google Cloud Pub/Sub.
  pubsub: async (options) => (await import("./pubsub/emulated-pubsub.ts")).startEmulatedPubSub(options),

  // Oracle Cloud Infrastructure Streaming, and the objects that its groups need.
  "oci-streaming": async (options) => (await import("./oci-streaming/emulated-oci-streaming.ts")).startEmulatedOciStreaming(options),
};

/** Every provider that can run in this process, by its id. */
export const inProcessProviders: Readonly<Record<string, StartInProcess>> = Object.fromEntries(
  Object.entries(emulators).filter((entry): entry is [string, StartInProcess] => entry[1] !== null),
);

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
