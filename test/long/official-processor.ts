import { createRequire } from "node:module";
import { join } from "node:path";
import type * as EventHubs from "@azure/event-hubs";
import type * as StorageBlob from "@azure/storage-blob";
import type { EmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";

export const OFFICIAL_STORE = "@azure/eventhubs-checkpointstore-blob@2.0.0";

interface OfficialSdk {
  readonly BlobCheckpointStore: new (container: object) => object;
}

/** The vendor's processor for JavaScript, with its store of checkpoints in blobs. */
export interface OfficialProcessor {
  readonly EventHubProducerClient: typeof EventHubs.EventHubProducerClient;
  /** Handles so many events of the group `billing` of the hub `orders`, stores its checkpoints, and ends. @returns their bodies */
  readonly handle: (emulator: EmulatedEventHubs, count: number) => Promise<readonly unknown[]>;
}

/** @param folder in which `OFFICIAL_STORE` is installed */
export function officialProcessor(folder: string): OfficialProcessor {
  const load = createRequire(join(folder, "package.json"));
  const { BlobCheckpointStore } = load("@azure/eventhubs-checkpointstore-blob") as OfficialSdk;
  // Its own copies: it pins a version of the SDK.
  const own = createRequire(load.resolve("@azure/eventhubs-checkpointstore-blob"));
  const { EventHubConsumerClient, EventHubProducerClient } = own("@azure/event-hubs") as typeof EventHubs;
  const { BlobServiceClient } = own("@azure/storage-blob") as typeof StorageBlob;
  return {
    EventHubProducerClient,
    handle: async ({ connectionString, storageConnectionString, checkpointContainer }, count) => {
      const container = BlobServiceClient.fromConnectionString(storageConnectionString).getContainerClient(checkpointContainer);
      const client = new EventHubConsumerClient("billing", connectionString, "orders", new BlobCheckpointStore(container) as never, {
        loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 200, partitionOwnershipExpirationIntervalInMs: 3_000 },
      });
      const bodies: unknown[] = [];
      const done = Promise.withResolvers<void>();
      const subscription = client.subscribe(
        {
          processEvents: async (events, context) => {
            bodies.push(...events.map(({ body }): unknown => body));
            const last = events.at(-1);
            if (last !== undefined) await context.updateCheckpoint(last);
            if (bodies.length >= count) done.resolve();
          },
          processError: async (error) => done.reject(error),
        },
        { startPosition: { offset: "-1" }, maxWaitTimeInSeconds: 0.2 },
      );
      await done.promise;
      await subscription.close();
      await client.close();
      return bodies;
    },
  };
}
