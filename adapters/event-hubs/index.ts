/** The public entry point of the provider: `streamport/event-hubs`. */
import type { Driver } from "../../src/driver/index.ts";
import type { EventHubsCapability } from "./driver.ts";
import { openWithOptions } from "./open.ts";
import type { EventHubsOptions } from "./options.ts";

export type { BlobContainer, EventHubsOptions, TokenCredential } from "./options.ts";

/**
 * Azure Event Hubs; groups are kept in Blob Storage.
 * @throws `configuration` for unknown options and values; if the SDK cannot be loaded, the first call rejects with `configuration`
 */
export function eventHubs(options: EventHubsOptions): Driver<EventHubsCapability> {
  return openWithOptions(options);
}
