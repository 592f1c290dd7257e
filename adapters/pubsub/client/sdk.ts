import type * as pubsubSdk from "@google-cloud/pubsub";
import { StreamError } from "../../../src/errors.ts";

export type PubSubSdk = typeof pubsubSdk;

const PACKAGE = "@google-cloud/pubsub";
const KNOWN_VERSIONS = "5.3.1 on, except 6.3.2";

/**
 * Loads the SDK at the first use.
 * @throws `configuration` if it is missing or cannot be loaded
 */
export async function loadSdk(): Promise<PubSubSdk> {
  // Applications without Pub/Sub do not have the SDK, so a bundler must not require it. Bundlers accept a missing module if `.catch` follows.
  return import("@google-cloud/pubsub").catch(refuse);
}

const NOT_FOUND: ReadonlySet<unknown> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

function refuse(cause: unknown): never {
  const { code } = cause as Partial<NodeJS.ErrnoException>;
  const text = NOT_FOUND.has(code)
    ? `the Pub/Sub adapter needs the package ${PACKAGE}, known to work from version ${KNOWN_VERSIONS}: npm install ${PACKAGE}`
    : `${PACKAGE} is installed but could not be loaded; it is known to work from version ${KNOWN_VERSIONS}. The cause says why`;
  throw new StreamError("configuration", text, { provider: "pubsub", cause });
}
