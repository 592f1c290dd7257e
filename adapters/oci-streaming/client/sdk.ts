import type * as ociCommon from "oci-common";
import { type RequiredSdk, sdkNotLoaded } from "../../../src/adapter-kit/index.ts";

/** Credentials are the vendor's, and rare signatures. The requests themselves are signed and sent by this adapter: see README.md, "Why not the vendor's client". */
export type Sdk = Pick<typeof ociCommon, SdkPart>;

type SdkPart =
  | "DefaultRequestSigner"
  | "ConfigFileAuthenticationDetailsProvider"
  | "SessionAuthDetailProvider"
  | "InstancePrincipalsAuthenticationDetailsProviderBuilder"
  | "ResourcePrincipalAuthenticationDetailsProvider"
  | "OkeWorkloadIdentityAuthenticationDetailsProvider"
  | "Region";

const REQUIRED: RequiredSdk = {
  provider: "oci-streaming",
  adapter: "OCI Streaming",
  sdk: "oci-common",
  packages: ["oci-common"],
  // The first one with a workload identity that works: https://github.com/oracle/oci-typescript-sdk/issues/416
  known: "from version 2.142.1 on",
};

/**
 * Loads the SDK at the first use.
 * @throws `configuration` if it is missing or cannot be loaded
 */
export async function loadSdk(): Promise<Sdk> {
  // Applications without OCI Streaming do not have the SDK, so a bundler must not require it. Bundlers accept a missing module if `.catch` follows.
  const loaded = await import(/* webpackIgnore: true */ "oci-common").catch(refuse);
  // The SDK is CommonJS, and Node does not find all of its names.
  return (loaded as { readonly default?: Sdk }).default ?? loaded;
}

function refuse(cause: unknown): never {
  throw sdkNotLoaded(REQUIRED, cause);
}
