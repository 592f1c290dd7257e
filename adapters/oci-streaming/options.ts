import { OptionCheck, type OptionRule, oneOf, optionRules } from "../../src/adapter-kit/index.ts";

export interface OciStreamingOptions {
  /** `eu-frankfurt-1` */
  region: string;
  /** OCID of the stream pool. */
  streamPool: string;
  /** Of the administration of streams; where messages go, the service tells. @default that of the region */
  endpoint?: string | undefined;
  /** @default `OCI_CONFIG_FILE`, else `~/.oci/config` */
  configFile?: string | undefined;
  /** Of that file. @default `OCI_CONFIG_PROFILE`, else "DEFAULT" */
  profile?: string | undefined;
  /** Of Object Storage, where `endpoint` is not that of OCI. */
  leaseEndpoint?: string | undefined;
  /** Pause between reads of a partition that is caught up. @default 1_000 */
  pollMs?: number | undefined;
  /** @default "config-file" */
  auth?: AuthKind | undefined;
  /** `AuthenticationDetailsProvider` of oci-common; instead of `profile`. */
  authentication?: OciAuthentication | undefined;
  /** Where groups keep who owns what and how far it is: an Object Storage bucket, or this process. */
  leases?: "memory" | LeaseBucket | undefined;
  /** `frame`: headers, ids and packing. `raw`: readable by everybody, none of these. @default "frame" */
  envelope?: Envelope | undefined;
}

export type AuthKind = "config-file" | "session-token" | "instance-principal" | "resource-principal" | "workload-identity";
export type Envelope = "frame" | "raw";

export interface LeaseBucket {
  namespace: string;
  bucket: string;
}

export interface OciAuthentication {
  getKeyId(): Promise<string>;
  getPrivateKey(): string;
  getPassphrase(): string | null;
}

/** Messages never show a value. */
export const OCI_OPTIONS: OptionCheck = new OptionCheck("oci-streaming");

const AUTH_KINDS: readonly AuthKind[] = ["config-file", "session-token", "instance-principal", "resource-principal", "workload-identity"];
const ENVELOPES: readonly Envelope[] = ["frame", "raw"];
const { durationMs, nonEmptyString, object } = optionRules;

const httpUrl: OptionRule = {
  allowed: "a URL of http or https",
  accepts: (value) => typeof value === "string" && /^https?:\/\/[^\s/]+/.test(value),
};

/** https://docs.oracle.com/en-us/iaas/Content/General/Concepts/regions.htm */
const REGION = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** https://docs.oracle.com/en-us/iaas/Content/General/Concepts/identifiers.htm */
const POOL = /^ocid1\.streampool\.[a-z0-9-]*\.[a-z0-9-]*(?:\.[a-z0-9-]+)*$/i;

const RULES: Readonly<Record<keyof OciStreamingOptions, OptionRule>> = {
  region: { allowed: "a region such as eu-frankfurt-1", accepts: (value) => typeof value === "string" && REGION.test(value) },
  streamPool: {
    allowed: "the OCID of a stream pool: ocid1.streampool.…",
    accepts: (value) => typeof value === "string" && POOL.test(value),
  },
  endpoint: httpUrl,
  configFile: nonEmptyString,
  profile: nonEmptyString,
  leaseEndpoint: httpUrl,
  pollMs: durationMs,
  auth: oneOf(AUTH_KINDS),
  authentication: {
    allowed: "an AuthenticationDetailsProvider of oci-common",
    accepts: (value) =>
      object.accepts(value) &&
      ["getKeyId", "getPrivateKey", "getPassphrase"].every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
  },
  leases: { allowed: '"memory", or an object with namespace and bucket', accepts: (value) => value === "memory" || object.accepts(value) },
  envelope: oneOf(ENVELOPES),
};

const BUCKET_RULES: Readonly<Record<keyof LeaseBucket, OptionRule>> = { namespace: nonEmptyString, bucket: nonEmptyString };

/** @throws `configuration` naming what was received and what is allowed, never a credential */
export function checkOciStreamingOptions(options: OciStreamingOptions): void {
  OCI_OPTIONS.check(options, RULES, undefined, ["region", "streamPool"]);
  const { authentication, auth, profile, configFile, leases } = options;
  if (authentication !== undefined && (auth ?? profile ?? configFile) !== undefined) {
    OCI_OPTIONS.refuse("authentication is given instead of auth, profile and configFile, not besides them");
  }
  if (typeof leases === "object") OCI_OPTIONS.check(leases, BUCKET_RULES, "leases", ["namespace", "bucket"]);
}
