import type { Checkpoint, CheckpointStore, PartitionOwnership } from "@azure/event-hubs";
import type { ContainerClient } from "@azure/storage-blob";

/** The calls that `@azure/eventhubs-checkpointstore-blob` makes, in the layout that all SDKs share. */
export class OfficialLayoutStore implements CheckpointStore {
  readonly #container: ContainerClient;

  constructor(container: ContainerClient) {
    this.#container = container;
  }

  async listOwnership(host: string, hub: string, group: string): Promise<PartitionOwnership[]> {
    const found: PartitionOwnership[] = [];
    const prefix = `${host}/${hub}/${group}/ownership/`.toLowerCase();
    for await (const { name, metadata, properties } of this.#container.listBlobsFlat({ includeMetadata: true, prefix })) {
      found.push({
        ...this.#subject(host, hub, group, name),
        ownerId: metadata?.["ownerid"] ?? "",
        lastModifiedTimeInMs: properties.lastModified.getTime(),
        etag: properties.etag,
      });
    }
    return found;
  }

  async claimOwnership(wanted: PartitionOwnership[]): Promise<PartitionOwnership[]> {
    const claimed: PartitionOwnership[] = [];
    for (const ownership of wanted) {
      const { fullyQualifiedNamespace, eventHubName, consumerGroup, partitionId, ownerId, etag: before } = ownership;
      const blob = this.#container.getBlockBlobClient(
        `${fullyQualifiedNamespace}/${eventHubName}/${consumerGroup}/ownership/${partitionId}`.toLowerCase(),
      );
      const metadata = { ownerid: ownerId };
      try {
        const { etag, lastModified } =
          before === undefined
            ? await blob.upload("", 0, { metadata, conditions: { ifNoneMatch: "*" } })
            : await blob.setMetadata(metadata, { conditions: { ifMatch: before } });
        claimed.push({ ...ownership, ...(etag !== undefined && { etag }), lastModifiedTimeInMs: lastModified!.getTime() });
      } catch (error) {
        const { statusCode } = error as { readonly statusCode?: number };
        if (statusCode !== 412 && statusCode !== 409) throw error;
      }
    }
    return claimed;
  }

  async updateCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const { fullyQualifiedNamespace, eventHubName, consumerGroup, partitionId, offset, sequenceNumber } = checkpoint;
    const name = `${fullyQualifiedNamespace}/${eventHubName}/${consumerGroup}/checkpoint/${partitionId}`.toLowerCase();
    await this.#container.getBlockBlobClient(name).upload("", 0, { metadata: { offset, sequencenumber: String(sequenceNumber) } });
  }

  async listCheckpoints(host: string, hub: string, group: string): Promise<Checkpoint[]> {
    const found: Checkpoint[] = [];
    const prefix = `${host}/${hub}/${group}/checkpoint/`.toLowerCase();
    for await (const { name, metadata } of this.#container.listBlobsFlat({ includeMetadata: true, prefix })) {
      const { offset = "", sequencenumber } = metadata ?? {};
      found.push({ ...this.#subject(host, hub, group, name), offset, sequenceNumber: Number(sequencenumber) });
    }
    return found;
  }

  #subject(
    fullyQualifiedNamespace: string,
    eventHubName: string,
    consumerGroup: string,
    name: string,
  ): Pick<Checkpoint, "fullyQualifiedNamespace" | "eventHubName" | "consumerGroup" | "partitionId"> {
    return { fullyQualifiedNamespace, eventHubName, consumerGroup, partitionId: name.slice(name.lastIndexOf("/") + 1) };
  }
}
