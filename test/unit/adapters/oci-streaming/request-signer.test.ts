import { generateKeyPairSync } from "node:crypto";
import { DefaultRequestSigner, Region, SimpleAuthenticationDetailsProvider } from "oci-common";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestHeaders } from "../../../../adapters/oci-streaming/client/request-headers.ts";
import { RequestSigner, type Signer } from "../../../../adapters/oci-streaming/client/request-signer.ts";
import type { OciAuthentication } from "../../../../adapters/oci-streaming/options.ts";

const URI = "https://cell-1.streaming.eu-frankfurt-1.oci.oraclecloud.com/20180418/streams/ocid1.stream.oc1..a";
const RSA = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
const PKCS8 = { type: "pkcs8", format: "pem" } as const;

beforeEach(() => {
  // The date is part of what is signed.
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function providerOf(privateKey: string, passphrase: string | null = null, delegationToken?: string): OciAuthentication {
  const authType = delegationToken === undefined ? undefined : "instance_principal";
  const [region, user] = [Region.EU_FRANKFURT_1, "ocid1.user.oc1..b"];
  return new SimpleAuthenticationDetailsProvider(
    "ocid1.tenancy.oc1..a",
    user,
    "00:11",
    privateKey,
    passphrase,
    region,
    authType,
    delegationToken,
  );
}

function sdkSigner(provider: OciAuthentication): Signer {
  return new DefaultRequestSigner(provider) as unknown as Signer;
}

interface Sent {
  readonly method: string;
  readonly uri: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly leavesBody?: boolean;
}

async function signed(signer: Signer, { headers: given = {}, leavesBody = false, ...request }: Sent): Promise<Record<string, string>> {
  const headers = new RequestHeaders();
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  await signer.signHttpRequest({ ...request, headers }, leavesBody);
  // The SDK adds a date that it does not sign.
  headers.all.delete("date");
  return Object.fromEntries(headers.all);
}

const REQUESTS: readonly Sent[] = [
  { method: "GET", uri: `${URI}/messages?cursor=a%2Bb%2F%3D&limit=10` },
  { method: "GET", uri: `${URI}/messages?cursor=a+b/=&limit=10` },
  { method: "GET", uri: "http://127.0.0.1:8080/20180418/streams?name=caf%C3%A9%20%22" },
  { method: "DELETE", uri: URI, headers: { "if-match": "abc" } },
  { method: "POST", uri: `${URI}/cursors`, body: '{"partition":"0","type":"LATEST"}' },
  { method: "POST", uri: `${URI}/cursors`, body: '{"name":"zwölf 🙂"}', headers: { "content-type": "application/json; charset=utf-8" } },
  { method: "POST", uri: `${URI}/cursors`, body: "" },
  { method: "POST", uri: `${URI}/messages`, leavesBody: true, headers: { "content-type": "application/json", "content-length": "9" } },
  { method: "PUT", uri: "https://objectstorage.eu/n/ns/b/bucket/o/a%2Fb/c", leavesBody: true, headers: { "if-none-match": "*" } },
];

test.each([
  ["PKCS 8", RSA.export(PKCS8), null],
  ["PKCS 1", RSA.export({ type: "pkcs1", format: "pem" }), null],
  ["a label of the vendor behind it", `${String(RSA.export(PKCS8))}OCI_API_KEY\n`, null],
  ["a passphrase", RSA.export({ ...PKCS8, cipher: "aes-256-cbc", passphrase: "secret" }), "secret"],
])("requests are signed as the SDK signs them, byte for byte: %s", async (_, pem, passphrase) => {
  const provider = providerOf(String(pem), passphrase);
  const unused = { signHttpRequest: async () => expect.unreachable("the SDK's signer was asked") };
  const [own, sdk] = [new RequestSigner(provider, () => unused), sdkSigner(provider)];
  for (const request of REQUESTS) expect(await signed(own, request), request.uri).toEqual(await signed(sdk, request));
});

test("a delegation token, and a key that is no RSA key, are left to the SDK", async () => {
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" });
  for (const provider of [providerOf(String(curve)), providerOf(String(RSA.export(PKCS8)), null, "token")]) {
    const asked: string[] = [];
    const sdk = { signHttpRequest: async ({ uri }: { readonly uri: string }) => void asked.push(uri) };
    await signed(new RequestSigner(provider, () => sdk), REQUESTS[0]!);
    expect(asked).toEqual([REQUESTS[0]!.uri]);
  }
});

test("a key that its provider has replaced signs from the next request on", async () => {
  const keys = [RSA, generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey].map((key) => String(key.export(PKCS8)));
  let turn = 0;
  const provider = { getKeyId: async () => `key-${turn}`, getPrivateKey: () => keys[turn]!, getPassphrase: () => null };
  const own = new RequestSigner(provider, () => sdkSigner(provider));
  for (turn = 0; turn < keys.length; turn += 1) {
    expect(await signed(own, REQUESTS[0]!)).toEqual(await signed(sdkSigner(provider), REQUESTS[0]!));
  }
});

test("a signature costs less than half of the SDK's", async () => {
  const provider = providerOf(String(RSA.export(PKCS8)));
  const [own, sdk] = [new RequestSigner(provider, () => sdkSigner(provider)), sdkSigner(provider)];
  const spent = { own: 0, sdk: 0 };
  for (let round = 0; round < 20; round += 1) {
    for (const [name, signer] of [["own", own] as const, ["sdk", sdk] as const]) {
      const before = process.cpuUsage();
      for (let number = 0; number < 20; number += 1) await signed(signer, REQUESTS[0]!);
      const { user, system } = process.cpuUsage(before);
      if (round > 0) spent[name] += user + system;
    }
  }
  expect(spent.own / spent.sdk).toBeLessThan(0.5);
});
