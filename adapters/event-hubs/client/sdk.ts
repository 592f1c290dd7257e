import type * as eventHubs from "@azure/event-hubs";
import type * as identity from "@azure/identity";
import type * as storageBlob from "@azure/storage-blob";
import { sdkNotLoaded } from "../../../src/adapter-kit/index.ts";

const KNOWN_VERSIONS = { "@azure/event-hubs": "6.0.4", "@azure/storage-blob": "12.34.0", "@azure/identity": "4.14.1" } as const;

/** Loads the SDK at the first use. Bundlers accept a missing module if `.catch` follows. @throws `configuration` if it is missing or cannot be loaded */
export async function loadSdk(): Promise<typeof eventHubs> {
  return import(/* webpackIgnore: true */ "@azure/event-hubs").catch((cause: unknown) => refuse("@azure/event-hubs", cause));
}

/** Only for groups in a container. @throws as `loadSdk` */
export async function loadStorageSdk(): Promise<typeof storageBlob> {
  return import(/* webpackIgnore: true */ "@azure/storage-blob").catch((cause: unknown) => refuse("@azure/storage-blob", cause));
}

/** Only where neither a key nor a credential is given. @throws as `loadSdk` */
export async function loadIdentitySdk(): Promise<typeof identity> {
  return import(/* webpackIgnore: true */ "@azure/identity").catch((cause: unknown) => refuse("@azure/identity", cause));
}

function refuse(name: keyof typeof KNOWN_VERSIONS, cause: unknown): never {
  const known = `from version ${KNOWN_VERSIONS[name]} on`;
  throw sdkNotLoaded({ provider: "event-hubs", adapter: "Event Hubs", sdk: name, packages: [name], known }, cause);
}
