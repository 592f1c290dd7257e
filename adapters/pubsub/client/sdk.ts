import type * as pubsubSdk from "@google-cloud/pubsub";
import { type RequiredSdk, sdkNotLoaded } from "../../../src/adapter-kit/index.ts";

export type PubSubSdk = typeof pubsubSdk;

const REQUIRED: RequiredSdk = {
  provider: "pubsub",
  adapter: "Pub/Sub",
  sdk: "@google-cloud/pubsub",
  packages: ["@google-cloud/pubsub"],
  known: "from version 5.3.1 on, except 6.3.2",
};

/**
 * Loads the SDK at the first use.
 * @throws `configuration` if it is missing or cannot be loaded
 */
export async function loadSdk(): Promise<PubSubSdk> {
  // Applications without Pub/Sub do not have the SDK, so a bundler must not require it. Bundlers accept a missing module if `.catch` follows.
  return import(/* webpackIgnore: true */ "@google-cloud/pubsub").catch(refuse);
}

function refuse(cause: unknown): never {
  throw sdkNotLoaded(REQUIRED, cause);
}
