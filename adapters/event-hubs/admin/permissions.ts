import { PermissionAttempts } from "../../../src/adapter-kit/index.ts";
import type { GroupName, GuardedOperation, Permission } from "../../../src/driver/index.ts";
import { classify, isCoded } from "../errors.ts";
import type { BlobCalls } from "../group/blob-calls.ts";
import { NoGroups } from "../group/group-stores.ts";
import { oneEventPump } from "../read/one-event-pump.ts";
import type { EventHubsService } from "../service.ts";

/** https://learn.microsoft.com/azure/event-hubs/authorize-access-azure-active-directory#azure-built-in-roles-for-azure-event-hubs */
const SEND = "Azure Event Hubs Data Sender (the claim Send)";
const LISTEN = "Azure Event Hubs Data Receiver (the claim Listen)";
/** One role has all four; other roles and signatures have some of them. https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory */
const onBlobs = (what: string): string => `Storage Blob Data Contributor on the container, to ${what} blobs`;
const BLOBS = { list: onBlobs("list"), read: onBlobs("read"), write: onBlobs("write"), delete: onBlobs("delete") };
const TO_KEEP_GROUPS = [BLOBS.list, BLOBS.read, BLOBS.write];

interface Needs {
  readonly hub: readonly string[];
  /** Where groups are kept in a container. */
  readonly container: readonly string[];
}

/** The rights that each operation needs. The README has the same table. */
const NEEDS: Readonly<Partial<Record<GuardedOperation, Needs>>> = {
  send: { hub: [SEND], container: [] },
  consume: { hub: [LISTEN], container: TO_KEEP_GROUPS },
  resetGroup: { hub: [LISTEN], container: TO_KEEP_GROUPS },
  deleteGroup: { hub: [LISTEN], container: [...TO_KEEP_GROUPS, BLOBS.delete] },
};

/** No blob has this version, so that no write and no removal takes place. */
const NO_ETAG = "0x0";
const IDLE_MS = 100;

/**
 * What is known without changing anything: the service reports no rights, and asks for them where a link is opened, whether anything is sent by it or not.
 * Blob Storage asks for them before it looks at the condition of a write. @throws `not-found` for the hub
 */
export async function permissionsOn(
  service: EventHubsService,
  topic: string,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<readonly Permission[]> {
  const { blobs } = service;
  const tried = new PermissionAttempts((error) => classify(error).code === "permission-denied", signal);
  await tried.attempt(SEND, () => openToSend(service, topic, signal));
  try {
    await tried.attempt(LISTEN, () => openToRead(service, topic, name, signal));
  } catch (error) {
    // There is no such consumer group yet: of a group that is to be made nobody knows.
    if (!isCoded(error, "MessagingEntityNotFoundError")) throw error;
  }
  if (blobs !== null) await tryBlobs(tried, blobs, service.clients.address.host, signal);
  const operations = Object.entries(NEEDS) as [GuardedOperation, Needs][];
  return operations
    .filter(([operation]) => operation === "send" || !(service.groups instanceof NoGroups))
    .map(([operation, { hub, container }]) => tried.permissionTo(operation, [...hub, ...(blobs === null ? [] : container)]));
}

async function openToSend({ clients }: EventHubsService, topic: string, signal: AbortSignal): Promise<void> {
  const open = await clients.producer(topic, signal);
  await open.watch.during(signal, (abortSignal) => open.client.createBatch({ abortSignal }));
}

/** Rights may be of one consumer group only. */
async function openToRead(service: EventHubsService, topic: string, name: GroupName | null, signal: AbortSignal): Promise<void> {
  const { partitions } = await service.directory.hubNow(topic, signal);
  const group = name?.nativeGroup ?? name?.group ?? service.readerGroup;
  const request = { topic, group, partition: partitions[0]!, start: { enqueuedOn: new Date() }, idleMs: IDLE_MS };
  await using pump = await oneEventPump(service.clients, request, signal);
  try {
    await pump.next(signal);
  } catch (error) {
    // Who is told that there are others, or too many, has the right.
    if (!isCoded(error, "ReceiverDisconnectedError", "QuotaExceededError")) throw error;
  }
}

async function tryBlobs(tried: PermissionAttempts, blobs: BlobCalls, host: string, signal: AbortSignal): Promise<void> {
  const probe = `${host}/streamport/permissions`;
  await tried.attempt(BLOBS.list, () => blobs.check(signal));
  // A blob that is not there tells as much as one that is.
  await tried.attempt(BLOBS.read, () => blobs.read(probe, signal));
  await tried.attempt(BLOBS.write, () => blobs.write(probe, { metadata: {}, text: "" }, NO_ETAG, signal));
  await tried.attempt(BLOBS.delete, () => blobs.remove(probe, NO_ETAG, signal));
}
