import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  NoRetryConfigurationDetails,
  ResourcePrincipalAuthenticationDetailsProvider,
  SessionAuthDetailProvider,
  SimpleAuthenticationDetailsProvider,
} from "oci-common";
import { StreamAdminClient } from "oci-streaming";
import { expect, test, vi } from "vitest";
import { type EmulatedOciStreaming, startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients, base64 } from "./raw-clients.ts";
import { outcome, silenceTheSdk } from "./silent-sdk.ts";

silenceTheSdk();

const listUri = (emulator: EmulatedOciStreaming): string => `${emulator.endpoint}/20180418/streams?streamPoolId=${emulator.streamPool}`;

test("only what was signed, as it was signed, is carried out", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} } });
  using clients = new RawClients(emulator);
  const uri = listUri(emulator);
  const create = { body: JSON.stringify({ name: "new", partitions: 1, streamPoolId: emulator.streamPool }) };
  const createUri = `${emulator.endpoint}/20180418/streams`;
  expect((await clients.send("GET", uri)).status).toBe(200);
  expect((await clients.send("GET", uri, { change: ({ headers }) => headers.delete("authorization") })).status).toBe(401);
  expect((await clients.send("GET", uri, { change: (request) => (request.uri += "&name=orders") })).status).toBe(401);
  expect((await clients.send("GET", uri, { change: ({ headers }) => headers.set("x-date", new Date(0).toUTCString()) })).status).toBe(401);
  const forged = (from: RegExp, to: string) => ({
    change: ({ headers }: { readonly headers: Headers }): void => {
      const text = headers.get("authorization")!;
      expect(text).toMatch(from);
      headers.set("authorization", text.replace(from, to));
    },
  });
  expect((await clients.send("GET", uri, forged(/signature="..../, 'signature="AAAA'))).status).toBe(401);
  expect((await clients.send("GET", uri, forged(/keyId="ocid1/, 'keyId="ocid2'))).status).toBe(401);
  expect((await clients.send("GET", uri, forged(/rsa-sha256/, "rsa-sha1"))).status).toBe(401);
  const other = await clients.send("POST", createUri, {
    ...create,
    change: (request) => (request.body = request.body!.replace("new", "old")),
  });
  expect([other.status, JSON.parse(other.text).code]).toEqual([401, "NotAuthenticated"]);
  expect(
    (await clients.send("POST", createUri, { ...create, leaveBodyUnsigned: true, headers: { "content-type": "application/json" } })).status,
  ).toBe(401);
  expect((await clients.send("POST", createUri, create)).status).toBe(200);
});

test("the calls that upload may leave their body unsigned, and need not", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} } });
  using clients = new RawClients(emulator);
  const uri = `${emulator.messagesEndpoint}/20180418/streams/${await clients.streamId("orders")}/messages`;
  const body = JSON.stringify({ messages: [{ value: base64("one") }] });
  for (const leaveBodyUnsigned of [true, false]) {
    expect((await clients.send("POST", uri, { body, leaveBodyUnsigned, headers: { "content-type": "application/json" } })).status).toBe(
      200,
    );
  }
  const changed = await clients.send("POST", uri, {
    body,
    change: (request) => (request.body = request.body!.replace(base64("one"), base64("two"))),
  });
  expect(changed.status).toBe(401);
});

test("a key that nobody has registered is refused", async () => {
  await using emulator = await startEmulatedOciStreaming();
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const profile = Object.fromEntries(
    (await readFile(emulator.configFile, "utf8")).split("\n").map((line) => line.split("=") as [string, string]),
  );
  const authenticationDetailsProvider = new SimpleAuthenticationDetailsProvider(
    emulator.tenancy,
    profile["user"]!,
    profile["fingerprint"]!,
    privateKey,
    null,
  );
  const client = new StreamAdminClient({ authenticationDetailsProvider }, { retryConfiguration: NoRetryConfigurationDetails });
  client.endpoint = emulator.endpoint;
  expect(await outcome(client.listStreams({ streamPoolId: emulator.streamPool }))).toBe("401 NotAuthenticated");
  client.close();
});

test.each([
  ["ahead", 400_000],
  ["behind", -400_000],
])("a service whose clock is %s refuses the signatures of this machine, and tells its time", async (_, clockAheadMs) => {
  await using emulator = await startEmulatedOciStreaming({ clockAheadMs });
  using clients = new RawClients(emulator);
  const refused = await clients.send("GET", listUri(emulator));
  expect([refused.status, JSON.parse(refused.text).code]).toEqual([401, "NotAuthenticated"]);
  expect(JSON.parse(refused.text).message).toMatch(/not within allowed clock skew/);
  const aheadMs = Date.parse(refused.headers.get("date")!) - Date.now();
  expect(Math.abs(aheadMs - clockAheadMs)).toBeLessThan(10_000);
});

test.each([512, 2_048])("the SDK signs with a key of %d bits", async (keyBits) => {
  await using emulator = await startEmulatedOciStreaming({ keyBits });
  using clients = new RawClients(emulator);
  expect((await clients.send("GET", listUri(emulator))).status).toBe(200);
  const key = createPrivateKey(await readFile(join(dirname(emulator.configFile), "key.pem")));
  expect(key.asymmetricKeyDetails?.modulusLength).toBe(keyBits);
});

test("five minutes are the most by which clocks may differ", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  emulator.advanceClock(290_000);
  expect((await clients.send("GET", listUri(emulator))).status).toBe(200);
  emulator.advanceClock(20_000);
  expect((await clients.send("GET", listUri(emulator))).status).toBe(401);
});

test("a session token signs until there is a newer one", async () => {
  await using emulator = await startEmulatedOciStreaming();
  const open = (): StreamAdminClient => {
    const client = new StreamAdminClient({ authenticationDetailsProvider: new SessionAuthDetailProvider(emulator.configFile, "SESSION") });
    client.endpoint = emulator.endpoint;
    return client;
  };
  const [former, list] = [open(), { streamPoolId: emulator.streamPool }];
  expect(await outcome(former.listStreams(list))).toBe("done");
  await emulator.renewSession();
  expect(await outcome(former.listStreams(list))).toBe("401 NotAuthenticated");
  const renewed = open();
  expect(await outcome(renewed.listStreams(list))).toBe("done");
  former.close();
  renewed.close();
});

test("a session that has expired is refused until it is renewed; the key of the user signs all the time", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const listed = async (): Promise<string> => {
    const client = new StreamAdminClient(
      { authenticationDetailsProvider: new SessionAuthDetailProvider(emulator.configFile, "SESSION") },
      { retryConfiguration: NoRetryConfigurationDetails },
    );
    client.endpoint = emulator.endpoint;
    const found = await outcome(client.listStreams({ streamPoolId: emulator.streamPool }));
    client.close();
    return found;
  };
  emulator.expireSession();
  expect(await listed()).toBe("401 NotAuthenticated");
  expect((await clients.send("GET", listUri(emulator))).status).toBe(200);
  await emulator.renewSession();
  expect(await listed()).toBe("done");
});

test("a resource principal signs by the files of the session; its token is kept by the SDK although the service refuses it", async () => {
  await using emulator = await startEmulatedOciStreaming();
  const folder = dirname(emulator.configFile);
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2");
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_RPST", join(folder, "token"));
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", join(folder, "key.pem"));
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_REGION", emulator.region);
  const authenticationDetailsProvider = ResourcePrincipalAuthenticationDetailsProvider.builder();
  vi.unstubAllEnvs();
  const client = new StreamAdminClient({ authenticationDetailsProvider }, { retryConfiguration: NoRetryConfigurationDetails });
  client.endpoint = emulator.endpoint;
  expect(await outcome(client.listStreams({ streamPoolId: emulator.streamPool }))).toBe("done");
  await emulator.renewSession();
  expect(await outcome(client.listStreams({ streamPoolId: emulator.streamPool }))).toBe("401 NotAuthenticated");
  client.close();
});
