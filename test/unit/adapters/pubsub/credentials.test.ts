import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pubsub } from "../../../../adapters/pubsub/index.ts";
import { startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { connect, text } from "../../../../src/index.ts";

// Where Google's libraries look for credentials, outside of Google: nowhere. The server counts who asks, and does not answer.
let metadata: Server;
let asked = 0;
let folder: string;

beforeEach(async () => {
  asked = 0;
  metadata = createServer(() => (asked += 1)).listen(0, "127.0.0.1");
  await once(metadata, "listening");
  folder = await mkdtemp(join(tmpdir(), "pubsub-credentials-"));
  vi.stubEnv("GCE_METADATA_HOST", `127.0.0.1:${(metadata.address() as AddressInfo).port}`);
  vi.stubEnv("CLOUDSDK_CONFIG", folder);
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", undefined);
  vi.stubEnv("GOOGLE_CLOUD_PROJECT", undefined);
  vi.stubEnv("PUBSUB_EMULATOR_HOST", undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  metadata.closeAllConnections();
  metadata.close();
  await rm(folder, { recursive: true });
});

test("an emulator is reached without a look for credentials", async () => {
  await using emulator = await startEmulatedPubSub({ topics: { flights: {} } });
  await using connection = await connect(emulator.url);
  await connection
    .topic("flights", { codec: text(), key: () => null })
    .producer()
    .send({ value: "x" });
  expect(asked).toBe(0);
});

test("PUBSUB_EMULATOR_HOST is honoured, with the project of the environment, and without credentials", async () => {
  await using emulator = await startEmulatedPubSub({ topics: { flights: {} } });
  for (const [name, value] of Object.entries(emulator.environment)) vi.stubEnv(name, value);
  await using connection = await connect("pubsub://?seekSettlingMs=0&quietMs=100");
  expect(await connection.check()).toMatchObject({ ok: true });
  const flights = connection.topic("flights", { codec: text(), key: () => "k" });
  await flights.producer().send({ value: "x" });
  const values: string[] = [];
  for await (const { value } of flights.reader({ until: "now" })) values.push(value);
  expect(values).toEqual(["x"]);
  expect(asked).toBe(0);
});

test("what doctor reaches names the emulator, because the variable is easily left set", async () => {
  await using emulator = await startEmulatedPubSub();
  for (const [name, value] of Object.entries(emulator.environment)) vi.stubEnv(name, value);
  const report = Object.assign(() => undefined, { wants: () => false });
  const driver = pubsub().open({ report });
  const parts = await driver.reach!(AbortSignal.timeout(5_000));
  await driver.close();
  expect(parts).toEqual([expect.objectContaining({ name: expect.stringContaining(emulator.apiEndpoint) as string, error: null })]);
});

test("a check says that it has reached an emulator, or has not, and which", async () => {
  const warnings: string[] = [];
  const heard = ({ text: said }: { readonly text: string }): void => void warnings.push(said);
  subscribe("streamport:warning", heard as never);
  const emulator = await startEmulatedPubSub();
  for (const [name, value] of Object.entries(emulator.environment)) vi.stubEnv(name, value);
  await using connection = await connect("pubsub://");
  expect(await connection.check()).toMatchObject({ ok: true });
  await using named = await connect(emulator.url);
  expect(await named.check()).toMatchObject({ ok: true });
  unsubscribe("streamport:warning", heard as never);
  expect(warnings).toEqual([expect.stringContaining(`${emulator.apiEndpoint} (PUBSUB_EMULATOR_HOST)`)]);
  await emulator.close();
  const { ok, error } = await connection.check();
  expect(ok).toBe(false);
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining(`${emulator.apiEndpoint} (PUBSUB_EMULATOR_HOST)`) });
});

test("an endpoint in the URL counts, not PUBSUB_EMULATOR_HOST", async () => {
  await using emulator = await startEmulatedPubSub({ topics: { flights: {} } });
  vi.stubEnv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1");
  await using connection = await connect(emulator.url);
  expect(await connection.check()).toMatchObject({ ok: true });
});

test("the service is not taken for Google's emulator, because its new subscriptions begin at the end", async () => {
  await using connection = await connect("pubsub://p?endpoint=https://127.0.0.1:1&googleEmulator=true");
  expect(await connection.check()).toMatchObject({
    ok: false,
    error: { code: "configuration", message: expect.stringContaining("googleEmulator") as string },
  });
});

test("a server that is not Google's gets no ambient credentials, and nobody looks for them", async () => {
  await using connection = await connect("pubsub://p?endpoint=https://127.0.0.1:1");
  expect(await connection.check()).toMatchObject({ ok: false, error: { code: "unavailable" } });
  expect(asked).toBe(0);
});

test("without credentials every call is refused within seconds, and names what is missing", { timeout: 30_000 }, async () => {
  await using connection = await connect("pubsub://p");
  const startedMs = performance.now();
  expect(await connection.check()).toMatchObject({ ok: false, error: { code: "unauthenticated", provider: "pubsub" } });
  const send = connection
    .topic("flights", { codec: text(), key: () => null })
    .producer()
    .send({ value: "x" });
  await expect(send).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("GOOGLE_APPLICATION_CREDENTIALS") as string,
  });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test.each([
  ["is not there", null],
  ["is no JSON", "secret"],
  ["is no key", '{"type":"secret"}'],
])("a file of credentials that %s is refused with a code, and not shown", { timeout: 30_000 }, async (_, content) => {
  const path = join(folder, "key.json");
  if (content !== null) await writeFile(path, content);
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", path);
  await using connection = await connect("pubsub://p");
  const { ok, error } = await connection.check();
  expect(ok).toBe(false);
  expect(error).toMatchObject({ code: "unauthenticated" });
  expect(error!.message).not.toContain("secret");
});
