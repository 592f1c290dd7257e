/** The public entry point of the provider: `streamport/pubsub`. */
import type { Driver } from "../../src/driver/index.ts";
import type { PubSubCapability } from "./capabilities.ts";
import { openWithOptions } from "./open.ts";
import type { PubSubOptions } from "./options.ts";

export type { PubSubClient, PubSubOptions } from "./options.ts";

/**
 * Google Cloud Pub/Sub, over @google-cloud/pubsub; a group is a subscription.
 * @throws `configuration` for unknown options and values; if the SDK cannot be loaded, the first call rejects with `configuration`
 */
export function pubsub(options: PubSubOptions = {}): Driver<PubSubCapability> {
  return openWithOptions(options);
}
