import { EVENT_HUBS_OPTIONS, type TokenCredential } from "../options.ts";
import { loadIdentitySdk } from "./sdk.ts";

/** The domains of Azure's clouds, sovereign ones included: bearer tokens are sent to no other host. https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure */
const NAMESPACES = [".servicebus.windows.net", ".servicebus.usgovcloudapi.net", ".servicebus.chinacloudapi.cn", ".servicebus.cloudapi.de"];
const STORAGE = [
  ".blob.core.windows.net",
  ".blob.storage.azure.net",
  ".blob.core.usgovcloudapi.net",
  ".blob.core.chinacloudapi.cn",
  ".blob.core.cloudapi.de",
];

/** Tokens: those of the application, or of the chain of `@azure/identity` (`AZURE_*`, managed and workload identity, the Azure CLI). */
export class Credentials {
  readonly #given: TokenCredential | undefined;
  #found: Promise<TokenCredential> | null = null;

  constructor(given: TokenCredential | undefined) {
    this.#given = given;
  }

  /** @throws `configuration` for a host that is not Azure's */
  async forNamespace(host: string): Promise<TokenCredential> {
    requireDomain(host, NAMESPACES, "a namespace");
    return this.#credential();
  }

  /** @throws `configuration` for a host that is not Azure's */
  async forStorage(host: string): Promise<TokenCredential> {
    requireDomain(host, STORAGE, "the container of checkpoints");
    return this.#credential();
  }

  #credential(): Promise<TokenCredential> {
    if (this.#given !== undefined) return Promise.resolve(this.#given);
    this.#found ??= loadIdentitySdk().then(({ DefaultAzureCredential }) => new DefaultAzureCredential());
    return this.#found;
  }
}

function requireDomain(host: string, domains: readonly string[], what: string): void {
  const name = host.toLowerCase();
  if (domains.some((domain) => name.endsWith(domain))) return;
  EVENT_HUBS_OPTIONS.refuse(
    `tokens are sent to Azure's own domains only, and ${what} is at another host: give a key, or a shared access signature`,
  );
}
