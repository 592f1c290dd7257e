import type * as ociCommon from "oci-common";
import { StreamError } from "../../../src/errors.ts";

/** Signatures and credentials are the vendor's. The requests themselves are sent by this adapter: see README.md, "Why not the vendor's client". */
export type Sdk = Pick<typeof ociCommon, SdkPart>;

type SdkPart =
  | "DefaultRequestSigner"
  | "ConfigFileAuthenticationDetailsProvider"
  | "SessionAuthDetailProvider"
  | "InstancePrincipalsAuthenticationDetailsProviderBuilder"
  | "ResourcePrincipalAuthenticationDetailsProvider"
  | "OkeWorkloadIdentityAuthenticationDetailsProvider"
  | "Region";

/** The first one with a workload identity that works: https://github.com/oracle/oci-typescript-sdk/issues/416 */
const KNOWN_VERSION = "2.142.1";
const NOT_FOUND: ReadonlySet<unknown> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

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
  const { code } = cause as Partial<NodeJS.ErrnoException>;
  const text = NOT_FOUND.has(code)
    ? `the OCI Streaming adapter needs the package oci-common, known to work from version ${KNOWN_VERSION} on: npm install oci-common`
    : `oci-common is installed but could not be loaded; it is known to work from version ${KNOWN_VERSION} on. The cause says why`;
  throw new StreamError("configuration", text, { provider: "oci-streaming", cause });
}
