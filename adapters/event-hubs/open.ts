import type { OpenDriver } from "../../src/driver/index.ts";
import { loadSdk } from "./client/sdk.ts";
import { parseEventHubsUrl } from "./connection-url.ts";
import { EventHubsDriver } from "./driver.ts";
import { type EventHubsOptions, checkEventHubsOptions } from "./options.ts";

/**
 * For URLs: `event-hubs://namespace.servicebus.windows.net?checkpoints=https://account.blob.core.windows.net/container`.
 * @throws `configuration` where the SDK cannot be loaded; the opener itself for what it does not understand
 */
export async function loadEventHubsOpener(): Promise<OpenDriver> {
  await loadSdk();
  return (url) => openWithOptions(parseEventHubsUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: EventHubsOptions): EventHubsDriver {
  checkEventHubsOptions(options);
  return new EventHubsDriver(options);
}
