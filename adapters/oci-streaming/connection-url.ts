import { UrlSettings, decodeUrlPart, givenOnly } from "../../src/adapter-kit/index.ts";
import { type AuthKind, type Envelope, type LeaseBucket, OCI_OPTIONS, type OciStreamingOptions } from "./options.ts";

const NAMESPACE = "leases.namespace";
const BUCKET = "leases.bucket";
const SETTINGS = ["endpoint", "leaseEndpoint", "configFile", "profile", "auth", "envelope", "pollMs", "leases", NAMESPACE, BUCKET];

/**
 * `oci-streaming://eu-frankfurt-1/ocid1.streampool.oc1.fra.…?profile=TEAM&leases.namespace=ns&leases.bucket=streams`, or `leases=memory`
 * @throws `configuration`; no message repeats more of the URL than the names of settings
 */
export function parseOciStreamingUrl(url: string): OciStreamingOptions {
  const match = /^oci-streaming:\/\/([^@/?#]+)\/([^@/?#]+)\/?(?:\?([^#]*))?$/i.exec(url);
  if (match === null) OCI_OPTIONS.refuse("a URL of the form oci-streaming://region/OCID of the stream pool?setting=value is needed");
  const [, region, streamPool, query = ""] = match;
  const settings = new UrlSettings(query, OCI_OPTIONS, SETTINGS);
  return {
    region: decodeUrlPart(region!, "the region in the URL", OCI_OPTIONS),
    streamPool: decodeUrlPart(streamPool!, "the stream pool in the URL", OCI_OPTIONS),
    ...givenOnly({
      endpoint: settings.text("endpoint"),
      leaseEndpoint: settings.text("leaseEndpoint"),
      configFile: settings.text("configFile"),
      profile: settings.text("profile"),
      auth: settings.text("auth") as AuthKind | undefined,
      envelope: settings.text("envelope") as Envelope | undefined,
      pollMs: settings.number("pollMs", "milliseconds"),
      leases: leasesOf(settings),
    }),
  };
}

function leasesOf(settings: UrlSettings): OciStreamingOptions["leases"] {
  const [where, namespace, bucket] = [settings.text("leases"), settings.text(NAMESPACE), settings.text(BUCKET)];
  if (namespace === undefined && bucket === undefined) return where as "memory" | undefined;
  if (where !== undefined) OCI_OPTIONS.refuse("leases is given, and a bucket for leases besides");
  return { ...(namespace === undefined ? {} : { namespace }), ...(bucket === undefined ? {} : { bucket }) } as LeaseBucket;
}
