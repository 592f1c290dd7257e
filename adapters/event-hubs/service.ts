import type { Report } from "../../src/driver/index.ts";
import type { LeaseStore } from "../../src/leases/index.ts";
import type { HubClients } from "./client/hub-clients.ts";
import type { BlobCalls } from "./group/blob-calls.ts";
import type { HubDirectory } from "./hubs/hub-directory.ts";
import type { EventSizes } from "./read/event-sizes.ts";
import type { RemovedTails } from "./read/removed-tails.ts";

/** What the parts of one connection share. */
export interface EventHubsService {
  readonly clients: HubClients;
  readonly directory: HubDirectory;
  readonly report: Report;
  /** The consumer group of readers. */
  readonly readerGroup: string;
  readonly groups: GroupStores;
  /** The container of groups; `null`: they are kept elsewhere, or nowhere. */
  readonly blobs: BlobCalls | null;
  readonly removedTails: RemovedTails;
  readonly eventSizes: EventSizes;
  /** Shorter where an emulator in this network answers. */
  readonly watchMs: number;
  /** How long an open link may say nothing before the properties of the partition are looked at. Shorter as well. */
  readonly silenceMs: number;
}

/** Where groups are kept. */
export interface GroupStores {
  /** @throws `configuration` where the options name no place for groups */
  storeOf(hub: string, group: string): Promise<LeaseStore>;
  /** The groups of a hub by their names. @throws `configuration` */
  list(hub: string, signal: AbortSignal): Promise<readonly string[]>;
}
