import type { OpenDriver } from "../../src/driver/index.ts";
import { loadSdk } from "./client/sdk.ts";
import { parseOciStreamingUrl } from "./connection-url.ts";
import { OciStreamingDriver } from "./driver.ts";
import { type OciStreamingOptions, checkOciStreamingOptions } from "./options.ts";

/**
 * For URLs: `oci-streaming://eu-frankfurt-1/ocid1.streampool.oc1.fra.…?leases.namespace=ns&leases.bucket=streams`.
 * @throws `configuration` where the SDK cannot be loaded; the opener itself for what it does not understand
 */
export async function loadOciStreamingOpener(): Promise<OpenDriver> {
  await loadSdk();
  return (url) => openWithOptions(parseOciStreamingUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: OciStreamingOptions): OciStreamingDriver {
  checkOciStreamingOptions(options);
  return new OciStreamingDriver(options);
}
