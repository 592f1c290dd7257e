import type { OpenDriver } from "../../src/driver/index.ts";
import { loadSdk } from "./client/sdk.ts";
import { parsePubSubUrl } from "./connection-url.ts";
import { PubSubDriver } from "./driver.ts";
import { type PubSubOptions, checkPubSubOptions } from "./options.ts";

/**
 * For URLs: `pubsub://my-project?endpoint=http://localhost:8085&quietMs=500`; `pubsub://` alone is enough.
 * @throws `configuration` where the SDK cannot be loaded; the opener itself for what it does not understand
 */
export async function loadPubSubOpener(): Promise<OpenDriver> {
  await loadSdk();
  return (url) => openWithOptions(parsePubSubUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: PubSubOptions): PubSubDriver {
  checkPubSubOptions(options);
  return new PubSubDriver(options);
}
