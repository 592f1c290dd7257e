import type { OpenDriver } from "../src/driver/provider-driver.ts";

/**
 * Provider id, which is also the URL scheme, to the adapter's opener; an adapter is loaded when its scheme is first used.
 * `null`: a provider that streamport is made for, and whose adapter is not part of this version.
 */
export const registry: Readonly<Record<string, (() => Promise<OpenDriver>) | null>> = {
  // In the process, for tests.
  memory: async () => (await import("./memory/open.ts")).openMemory,

  // Apache Kafka, and services that speak its protocol.
  kafka: async () => (await import("./kafka/open.ts")).loadKafkaOpener(),

  // Amazon Kinesis Data Streams.
  kinesis: async () => (await import("./kinesis/open.ts")).loadKinesisOpener(),

  // Azure Event Hubs.
  "event-hubs": async () => (await import("./event-hubs/open.ts")).loadEventHubsOpener(),

  // Google Cloud Pub/Sub.
  pubsub: async () => (await import("./pubsub/open.ts")).loadPubSubOpener(),

  // Oracle Cloud Infrastructure Streaming.
  "oci-streaming": async () => (await import("./oci-streaming/open.ts")).loadOciStreamingOpener(),
};
