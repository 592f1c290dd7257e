import { describe, expect, test } from "vitest";
import { parseOciStreamingUrl } from "../../../../adapters/oci-streaming/connection-url.ts";
import { ociStreaming } from "../../../../adapters/oci-streaming/index.ts";
import { loadOciStreamingOpener } from "../../../../adapters/oci-streaming/open.ts";
import type { OciStreamingOptions } from "../../../../adapters/oci-streaming/options.ts";

const POOL = "ocid1.streampool.oc1.fra.amaaaaaa";
const OPTIONS: OciStreamingOptions = { region: "eu-frankfurt-1", streamPool: POOL };

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`;
  }
  return "nothing was refused";
};

describe("the URL", () => {
  test("names the region, the pool and settings", () => {
    const url = `oci-streaming://eu-frankfurt-1/${POOL}?profile=TEAM&configFile=%2Fhome%2Fme%2Fconfig&auth=session-token&pollMs=250&envelope=raw&leases.namespace=ns&leases.bucket=streams`;
    expect(parseOciStreamingUrl(url)).toEqual({
      ...OPTIONS,
      profile: "TEAM",
      configFile: "/home/me/config",
      auth: "session-token",
      pollMs: 250,
      envelope: "raw",
      leases: { namespace: "ns", bucket: "streams" },
    });
    expect(parseOciStreamingUrl(`oci-streaming://eu-frankfurt-1/${POOL}?leases=memory`)).toEqual({ ...OPTIONS, leases: "memory" });
  });

  test.each([
    ["oci-streaming://eu-frankfurt-1", "a URL of the form oci-streaming://region/"],
    [`oci-streaming://eu-frankfurt-1/${POOL}?pool=x`, 'there is no setting "pool"'],
    [`oci-streaming://eu-frankfurt-1/${POOL}?leases=memory&leases.bucket=b`, "leases is given, and a bucket"],
    [`oci-streaming://eu-frankfurt-1/${POOL}?pollMs=soon`, "pollMs must be a number of milliseconds"],
  ])("refuses %s", (url, text) => {
    expect(messageOf(() => parseOciStreamingUrl(url))).toContain(`configuration oci-streaming options: ${text}`);
  });

  test("opens a driver", async () => {
    const open = await loadOciStreamingOpener();
    expect(open(`oci-streaming://eu-frankfurt-1/${POOL}`).provider).toBe("oci-streaming");
  });
});

describe("the options", () => {
  test.each<[string, object, string]>([
    ["a pool that is none", { ...OPTIONS, streamPool: "mine" }, "streamPool"],
    ["a missing region", { streamPool: POOL }, "region"],
    ["a bucket without a namespace", { ...OPTIONS, leases: { bucket: "b" } }, "namespace"],
    ["an unknown kind of credentials", { ...OPTIONS, auth: "password" }, "auth"],
    ["an endpoint that is none", { ...OPTIONS, endpoint: "localhost:1" }, "endpoint"],
    ["something unknown", { ...OPTIONS, bucket: "b" }, "bucket"],
  ])("refuse %s", (_, options, name) => {
    const message = messageOf(() => ociStreaming(options as OciStreamingOptions));
    expect(message).toContain("configuration oci-streaming options");
    expect(message).toContain(name);
  });

  test("take a provider of credentials instead of a file, not besides", () => {
    const authentication = { getKeyId: async () => "key", getPrivateKey: () => "", getPassphrase: () => null };
    expect(ociStreaming({ ...OPTIONS, authentication }).capabilities.fencing).toBe(true);
    expect(messageOf(() => ociStreaming({ ...OPTIONS, authentication, profile: "TEAM" }))).toContain("authentication is given instead of");
  });

  test("names of topics and groups are refused before the service refuses them", () => {
    const driver = ociStreaming(OPTIONS);
    expect(driver.refuseTopicName("orders-1.x_y")).toBeNull();
    expect(driver.refuseTopicName("ocid1.stream.oc1.fra.amaaaaaa")).toBeNull();
    expect(driver.refuseTopicName("a/b")).toMatch(/1 to 255 of the characters/);
    expect(driver.refuseGroupName({ group: "delays", nativeGroup: undefined })).toBeNull();
    expect(driver.refuseGroupName({ group: "a/b", nativeGroup: undefined })).toMatch(/1 to 255 of the characters/);
    expect(driver.refuseGroupName({ group: "a/b", nativeGroup: "other" })).toBeNull();
  });
});
