import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { Authentication } from "../../../../adapters/oci-streaming/client/authentication.ts";
import { RequestHeaders } from "../../../../adapters/oci-streaming/client/request-headers.ts";
import { type OciStreamingOptions, ociStreaming } from "../../../../adapters/oci-streaming/index.ts";
import { connect } from "../../../../src/index.ts";
import { WAIT, keyed, member, stored } from "../members.ts";
import { OciWorld } from "./oci-world.ts";

const SIGNAL = new AbortController().signal;

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The files of a session are those of a resource principal. */
function stubResourcePrincipal(world: OciWorld): void {
  const folder = dirname(world.emulator.configFile);
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2");
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_RPST", join(folder, "token"));
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", join(folder, "key.pem"));
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_REGION", world.emulator.region);
}

async function checked(options: OciStreamingOptions) {
  await using connection = await connect(ociStreaming(options));
  const health = await connection.check();
  return health;
}

test.each(["session-token", "resource-principal"] as const)(
  "a token that the service refuses is read anew, once for all requests, and keys keep their order: %s",
  async (auth) => {
    await using world = await OciWorld.start({ topics: { orders: { partitions: 4 } } });
    stubResourcePrincipal(world);
    const { configFile: _, ...options } = world.options;
    const files = auth === "session-token" ? { configFile: world.emulator.configFile, profile: "SESSION" } : {};
    await using connection = await connect(ociStreaming({ ...options, ...files, auth }));
    const consuming = member(connection, "orders");
    const producer = keyed(connection, "orders").producer();
    const sent: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const values = Array.from({ length: 40 }, (__, number) => `key-${number % 10} ${round * 40 + number}`);
      sent.push(...values);
      const sends = values.map((value) => producer.send({ value }));
      if (round < 2) await world.emulator.renewSession();
      await Promise.all(sends);
    }
    const inOrder = (values: readonly string[]): readonly string[] =>
      values.toSorted((a, b) => Number(a.split(" ")[1]) - Number(b.split(" ")[1]));
    await expect.poll(() => inOrder(consuming.values), WAIT).toEqual(sent);
    for (const values of [await stored(connection, "orders"), consuming.values]) {
      const ofKey = Map.groupBy(values, (value) => value.split(" ")[0]!);
      for (const own of ofKey.values()) expect(own).toEqual(inOrder(own));
    }
  },
);

/** Signs as the emulated user, by a key id that the test decides. */
function provider(world: OciWorld, keyId: () => Promise<string>, refresh?: () => Promise<void>) {
  const pem = readFileSync(join(dirname(world.emulator.configFile), "key.pem"), "utf8");
  const given = { getKeyId: keyId, getPrivateKey: () => pem, getPassphrase: () => null };
  return refresh === undefined ? given : { ...given, refresh };
}

function tokenOf(world: OciWorld): string {
  return `ST$${readFileSync(join(dirname(world.emulator.configFile), "token"), "utf8")}`;
}

test("a provider that fetches its token itself is asked once for twenty requests that were refused", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  const { configFile: _, ...options } = world.options;
  let [token, refreshes] = [tokenOf(world), 0];
  const authentication = provider(
    world,
    async () => token,
    async () => {
      refreshes += 1;
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      token = tokenOf(world);
    },
  );
  await using connection = await connect(ociStreaming({ ...options, authentication }));
  expect(await connection.check()).toMatchObject({ ok: true });
  await world.emulator.renewSession();
  const health = await Promise.all(Array.from({ length: 20 }, async () => connection.check()));
  expect(health.every(({ ok }) => ok)).toBe(true);
  expect(refreshes).toBe(1);
});

test("a refresh that fails is told to those who wait for it, and the next request tries again", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  const { configFile: _, ...options } = world.options;
  let [token, refreshes] = [tokenOf(world), 0];
  const authentication = provider(
    world,
    async () => token,
    async () => {
      refreshes += 1;
      if (refreshes === 1) throw new Error("the service for tokens is away");
      token = tokenOf(world);
    },
  );
  await using connection = await connect(ociStreaming({ ...options, authentication }));
  await world.emulator.renewSession();
  const { error } = await connection.check();
  expect(error).toMatchObject({ code: "unauthenticated", cause: { message: "the service for tokens is away" } });
  expect(await connection.check()).toMatchObject({ ok: true });
});

test("a refresh that never ends holds up nobody for ever", async () => {
  await using world = await OciWorld.start();
  let isHanging = true;
  const authentication = provider(world, async () => (isHanging ? new Promise<string>(() => undefined) : tokenOf(world)));
  const { configFile: _, ...options } = world.options;
  const signing = new Authentication({ ...options, authentication }, 100);
  const sign = (): Promise<string> =>
    signing.sign({ uri: world.emulator.endpoint, method: "GET", headers: new RequestHeaders() }, true, SIGNAL);
  await expect(sign()).rejects.toMatchObject({ code: "timeout", retryable: true });
  const aborted = AbortSignal.abort(new Error("enough"));
  await expect(signing.sign({ uri: world.emulator.endpoint, method: "GET", headers: new RequestHeaders() }, true, aborted)).rejects.toThrow(
    "enough",
  );
  isHanging = false;
  expect(await sign()).toBe(tokenOf(world));
});

test("a provider of the application that has rotated its key by itself needs no refresh", async () => {
  await using world = await OciWorld.start();
  const { configFile: _, ...options } = world.options;
  const ids = ["ST$stale", tokenOf(world)];
  const authentication = provider(world, async () => (ids.length > 1 ? ids.shift()! : ids[0]!));
  expect(await checked({ ...options, authentication })).toMatchObject({ ok: true });
});

test("credentials that are wrong fail at once, after one request and one look for others", async () => {
  await using world = await OciWorld.start();
  const { configFile: _, ...options } = world.options;
  const authentication = provider(world, async () => "ocid1.tenancy.oc1..a/ocid1.user.oc1..b/00:11");
  const { ok, error } = await checked({ ...options, authentication });
  expect([ok, error?.code]).toEqual([false, "unauthenticated"]);
});

test.each([600_000, -600_000])("a clock that differs by %d ms is named, and no credentials are fetched for it", async (clockAheadMs) => {
  await using world = await OciWorld.start({ clockAheadMs });
  const { configFile: _, ...options } = world.options;
  let refreshes = 0;
  const authentication = provider(
    world,
    async () => tokenOf(world),
    async () => {
      refreshes += 1;
    },
  );
  const { error } = await checked({ ...options, authentication });
  expect(error).toMatchObject({
    code: "unauthenticated",
    message: expect.stringMatching(/the clock of this machine differs by \d+ seconds from that of the service, which accepts five minutes/),
  });
  expect(refreshes).toBe(0);
});

const SECRET = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
const NO_KEY = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`;
const FOREIGN_KEY = generateKeyPairSync("rsa", { modulusLength: 1_024 }).privateKey;

function locked(type: "pkcs1" | "pkcs8", passphrase: string): string {
  return String(FOREIGN_KEY.export({ type, format: "pem", cipher: "aes-256-cbc", passphrase }));
}

function without(setting: string): (config: string) => string {
  return (config) => config.replaceAll(new RegExp(`^${setting}=.*$`, "gm"), "");
}

test.each<{
  readonly name: string;
  readonly config?: (config: string) => string;
  readonly key?: string | null;
  readonly options?: Partial<OciStreamingOptions>;
  readonly reason: RegExp;
}>([
  { name: "no file", options: { configFile: "/nowhere/config" }, reason: /there is no configuration file/ },
  { name: "no such profile", options: { profile: "NOBODY" }, reason: /has no such profile/ },
  { name: "no fingerprint", config: without("fingerprint"), reason: /the profile has no fingerprint/ },
  { name: "no key_file", config: without("key_file"), reason: /the profile has no key_file/ },
  { name: "a line of a key", config: (config) => `${config}\n${SECRET}\n`, reason: /a line that is no setting/ },
  { name: "no key", key: null, reason: /a file that the profile names cannot be read/ },
  { name: "half a key", key: NO_KEY, reason: /the private key is none that can be read/ },
  { name: "no passphrase", key: locked("pkcs8", SECRET), reason: /its passphrase is missing or wrong/ },
  ...(["pkcs1", "pkcs8"] as const).map((type) => ({
    name: `another passphrase, ${type}`,
    key: locked(type, "right"),
    config: (config: string) => config.replace("key_file", `pass_phrase=${SECRET}\nkey_file`),
    reason: /its passphrase is missing or wrong/,
  })),
  { name: "no token", options: { auth: "session-token" }, reason: /the profile has no token/ },
  { name: "no pod", options: { auth: "workload-identity", configFile: undefined }, reason: /those of a pod of OKE/ },
  { name: "no function", options: { auth: "resource-principal", configFile: undefined }, reason: /variables OCI_RESOURCE_PRINCIPAL_/ },
])(
  "a configuration that cannot be read is a matter of the configuration, and the message says of what: $name",
  async ({ reason, ...given }) => {
    await using world = await OciWorld.start();
    const folder = await mkdtemp(join(tmpdir(), "streamport-test-"));
    const own = dirname(world.emulator.configFile);
    const { config = (text: string) => text, key, options = {} } = given;
    const file = join(folder, "config");
    await writeFile(file, config(readFileSync(world.emulator.configFile, "utf8").replaceAll(own, folder)));
    if (key !== null) await writeFile(join(folder, "key.pem"), key ?? readFileSync(join(own, "key.pem"), "utf8"));
    const { error } = await checked({ ...world.options, configFile: file, ...options });
    expect(error).toMatchObject({
      code: "configuration",
      message: expect.stringMatching(/no credentials could be read \(auth: [\w-]+\): /),
    });
    expect(error?.message).toMatch(reason);
    expect(`${error?.message} ${error?.stack}`).not.toContain(SECRET);
    await rm(folder, { recursive: true });
  },
);

test("the file and the profile come from the environment where the options name none", async () => {
  await using world = await OciWorld.start();
  const { configFile, ...options } = world.options;
  vi.stubEnv("OCI_CONFIG_FILE", configFile);
  expect(await checked(options)).toMatchObject({ ok: true });
  vi.stubEnv("OCI_CONFIG_PROFILE", "NOBODY");
  expect((await checked(options)).error).toMatchObject({ code: "configuration" });
  expect(await checked({ ...options, profile: "DEFAULT" })).toMatchObject({ ok: true });
});
