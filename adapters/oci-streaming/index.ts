/** The public entry point of the provider: `streamport/oci-streaming`. */
import type { Driver } from "../../src/driver/index.ts";
import type { OciCapability } from "./driver.ts";
import { openWithOptions } from "./open.ts";
import type { OciStreamingOptions } from "./options.ts";

export type { OciAuthentication, OciStreamingOptions } from "./options.ts";

/**
 * Oracle Cloud Infrastructure Streaming; groups are kept in Object Storage.
 * @throws `configuration` for unknown options and values; if the SDK cannot be loaded, the first call rejects with `configuration`
 */
export function ociStreaming(options: OciStreamingOptions): Driver<OciCapability> {
  return openWithOptions(options);
}
