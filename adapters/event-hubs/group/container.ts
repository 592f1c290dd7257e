import type { ContainerClient } from "@azure/storage-blob";
import type { Credentials } from "../client/credentials.ts";
import { loadStorageSdk } from "../client/sdk.ts";
import { EVENT_HUBS_OPTIONS, type BlobContainer } from "../options.ts";

/** The engine of leases repeats requests; the SDK tries each once. */
const ONCE = { retryOptions: { maxTries: 1, tryTimeoutInMs: 15_000 } };

/** The container of checkpoints as a client of the SDK. @throws `configuration` */
export async function openContainer(container: BlobContainer, credentials: Credentials): Promise<ContainerClient> {
  // A client of the application is used as it is.
  if (typeof container !== "string") return container as ContainerClient;
  const url = urlOf(container);
  const { ContainerClient: Client, StorageSharedKeyCredential } = await loadStorageSdk();
  const [account, key] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const hasSignature = url.searchParams.has("sig");
  url.username = "";
  url.password = "";
  if (key !== "") return new Client(url.href, new StorageSharedKeyCredential(account, key), ONCE);
  if (hasSignature) return new Client(url.href, undefined, ONCE);
  if (url.protocol !== "https:") EVENT_HUBS_OPTIONS.refuse("a container without a key or a signature needs https, because a token is sent");
  return new Client(url.href, await credentials.forStorage(url.hostname), ONCE);
}

/** @throws `configuration`, which shows nothing of the URL */
function urlOf(container: string): URL {
  const url = URL.parse(container);
  if (url === null) EVENT_HUBS_OPTIONS.refuse("checkpoints is no URL that can be read");
  return url;
}
