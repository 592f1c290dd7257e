import type { OciStreamingOptions } from "../options.ts";
import { loadSdk } from "./sdk.ts";

/** Where requests go. The domain of a region is known by the SDK. */
export class Endpoints {
  readonly #options: OciStreamingOptions;

  constructor(options: OciStreamingOptions) {
    this.#options = options;
  }

  /** Of the administration of streams. */
  async streaming(): Promise<string> {
    const { endpoint, region } = this.#options;
    return endpoint ?? `https://streaming.${region}.oci.${await this.#domain()}`;
  }

  /** Of Object Storage. */
  async objects(): Promise<string> {
    const { leaseEndpoint, endpoint, region } = this.#options;
    // What is not of OCI itself serves both.
    return (
      leaseEndpoint ?? (endpoint !== undefined && !isOfOci(endpoint) ? endpoint : `https://objectstorage.${region}.${await this.#domain()}`)
    );
  }

  async #domain(): Promise<string> {
    const { Region } = await loadSdk();
    return Region.fromRegionId(this.#options.region).realm.secondLevelDomain;
  }
}

function isOfOci(endpoint: string): boolean {
  return /\.(?:oraclecloud|oraclegovcloud|oraclecloud[0-9]+)\.(?:com|uk|eu)$/.test(new URL(endpoint).hostname);
}
