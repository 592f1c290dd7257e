import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Authentication } from "../../../../adapters/oci-streaming/client/authentication.ts";
import { CredentialGrace } from "../../../../adapters/oci-streaming/client/credential-grace.ts";
import { ServiceCalls } from "../../../../adapters/oci-streaming/client/service-calls.ts";
import type { OciStreamingOptions } from "../../../../adapters/oci-streaming/index.ts";
import type { Report } from "../../../../src/driver/index.ts";
import type { Connection } from "../../../../src/index.ts";
import { WAIT, keyed, keysOf, member, stored } from "../members.ts";
import { OciWorld } from "./oci-world.ts";

const SIGNAL = new AbortController().signal;
const SILENT: Report = Object.assign(() => undefined, { wants: () => false });

const retried: string[] = [];
const note = (event: unknown): void => void retried.push((event as { readonly error: { readonly code: string } }).error.code);

beforeEach(() => {
  retried.length = 0;
  subscribe("streamport:retry", note);
});

afterEach(() => {
  unsubscribe("streamport:retry", note);
  vi.unstubAllEnvs();
});

function fileOf(world: OciWorld, name: "config" | "token" | "key.pem"): string {
  return join(dirname(world.emulator.configFile), name);
}

/** Both read the same two files. */
const KINDS = ["session-token", "resource-principal"] as const;
type Kind = (typeof KINDS)[number];

function optionsOf(world: OciWorld, auth: Kind): Partial<OciStreamingOptions> {
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2");
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_RPST", fileOf(world, "token"));
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", fileOf(world, "key.pem"));
  vi.stubEnv("OCI_RESOURCE_PRINCIPAL_REGION", world.emulator.region);
  return auth === "session-token" ? { auth, profile: "SESSION" } : { auth, configFile: undefined };
}

/** What a tool that writes a file in place leaves to be read for a moment. */
const WRITTEN: readonly (readonly [string, (former: string, renewed: string) => string])[] = [
  ["as it was", (former) => former],
  ["empty", () => ""],
  ["a part", (_, renewed) => renewed.slice(0, renewed.length >> 1)],
  ["all but the end", (_, renewed) => renewed.slice(0, -5)],
];

/** Renews the session of a connection, whose file has the new token two seconds later. */
async function renewLate(world: OciWorld, connection: Connection, written: (former: string, renewed: string) => string): Promise<void> {
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  const followed: string[] = [];
  const reading = (async () => {
    for await (const { value } of keyed(connection, "orders").reader({})) if (followed.push(value) === 21) return;
  })();
  await producer.send({ value: "key-0 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["key-0 0"]);
  const former = await readFile(fileOf(world, "token"), "utf8");
  await world.emulator.renewSession();
  const renewed = await readFile(fileOf(world, "token"), "utf8");
  await writeFile(fileOf(world, "token"), written(former, renewed));
  const values = Array.from({ length: 20 }, (_, number) => `key-${number % 4} ${number + 1}`);
  const sends = values.map(async (value) => producer.send({ value }));
  await delay(2_000);
  await writeFile(fileOf(world, "token"), renewed);
  await Promise.all(sends);
  await expect.poll(() => consuming.values.length, WAIT).toBe(21);
  await reading;
  for (const found of [followed, consuming.values, await stored(connection, "orders")]) {
    expect(found).toHaveLength(21);
    for (const [key, numbers] of keysOf(found)) expect(numbers, key).toEqual(numbers.toSorted((one, other) => one - other));
  }
  expect(consuming.failure).toBeNull();
}

/** Waits with all of them at once. */
async function checkEach(trials: ReadonlyMap<string, (world: OciWorld, connection: Connection) => Promise<void>>): Promise<void> {
  await using worlds = new AsyncDisposableStack();
  const names: string[] = [];
  const running: Promise<void>[] = [];
  for (const auth of KINDS) {
    for (const [name, trial] of trials) {
      const world = worlds.use(await OciWorld.start({ topics: { orders: { partitions: 2 } } }));
      const connection = await world.connect(optionsOf(world, auth));
      // It reads the variables of the environment, which the next one changes.
      await connection.check();
      names.push(`${auth}: ${name}`);
      running.push(trial(world, connection));
    }
  }
  const outcomes = await Promise.allSettled(running);
  const failed = outcomes.map((outcome, index) => (outcome.status === "rejected" ? [names[index], outcome.reason] : null));
  expect(failed).toEqual(names.map(() => null));
}

test("where a token is refused before its file has the new one, whole: sends, groups and readers go on with that, and keys keep their order", async () => {
  await checkEach(new Map(WRITTEN.map(([name, written]) => [name, (world, connection) => renewLate(world, connection, written)])));
  expect(retried).toContain("unauthenticated");
});

test("a key that is being written when a token is renewed is read again", async () => {
  const trial = async (world: OciWorld, connection: Connection): Promise<void> => {
    const producer = keyed(connection, "orders").producer();
    await producer.send({ value: "a 0" });
    const key = await readFile(fileOf(world, "key.pem"), "utf8");
    await writeFile(fileOf(world, "key.pem"), key.slice(0, key.length >> 1));
    await world.emulator.renewSession();
    const sending = producer.send({ value: "a 1" });
    await delay(1_000);
    await writeFile(fileOf(world, "key.pem"), key);
    await sending;
    expect(await stored(connection, "orders")).toEqual(["a 0", "a 1"]);
  };
  await checkEach(new Map([["half of the key", trial]]));
});

test.each([
  ["session-token", "token"],
  ["session-token", "key.pem"],
  ["session-token", "config"],
  ["resource-principal", "key.pem"],
] as const)("a connection that is opened while a file is written reads it a moment later: %s, %s", async (auth, file) => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  const connection = await world.connect(optionsOf(world, auth));
  const whole = await readFile(fileOf(world, file), "utf8");
  await writeFile(fileOf(world, file), "");
  const checking = connection.check();
  await delay(50);
  await writeFile(fileOf(world, file), whole);
  expect(await checking).toMatchObject({ ok: true });
});

test.each(KINDS)("a file whose token ends with a line break is read: %s", async (auth) => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  await writeFile(fileOf(world, "token"), `${await readFile(fileOf(world, "token"), "utf8")}\n`);
  const connection = await world.connect(optionsOf(world, auth));
  expect((await connection.check()).error).toBeNull();
});

test("credentials that have worked and are not renewed fail for good when their time is over; nothing is lost", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  const calls = new ServiceCalls(new Authentication({ ...world.options, ...optionsOf(world, "session-token") }), SILENT, 500);
  const url = `${world.emulator.endpoint}/20180418/streams?streamPoolId=${world.emulator.streamPool}`;
  const list = async (): Promise<unknown> => calls.send({ operation: "ListStreams", method: "GET", url }, SIGNAL);
  await list();
  world.emulator.expireSession();
  await expect(list()).rejects.toMatchObject({ code: "unauthenticated", retryable: true, cause: { statusCode: 401 } });
  await delay(600);
  await expect(list()).rejects.toMatchObject({
    code: "unauthenticated",
    retryable: false,
    message: expect.stringMatching(/no longer accepts these credentials/),
    cause: { statusCode: 401 },
  });
  await world.emulator.renewSession();
  await list();
  world.emulator.expireSession();
  await expect(list()).rejects.toMatchObject({ code: "unauthenticated", retryable: true });
  calls.close();
});

test("a token that has never been accepted fails at once", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  world.emulator.expireSession();
  const connection = await world.connect(optionsOf(world, "session-token"));
  await expect(keyed(connection, "orders").producer().send({ value: "a 0" })).rejects.toMatchObject({
    code: "unauthenticated",
    retryable: false,
  });
  expect(retried).toEqual([]);
});

test("a request that was signed before the machine slept is signed again by a token that was renewed meanwhile", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  const calls = new ServiceCalls(new Authentication({ ...world.options, ...optionsOf(world, "session-token") }), SILENT);
  const url = `${world.emulator.endpoint}/20180418/streams?streamPoolId=${world.emulator.streamPool}`;
  const call = { operation: "ListStreams", method: "GET", url } as const;
  await calls.send(call, SIGNAL);
  await world.emulator.renewSession();
  const sleptMs = 3_600_000;
  const realNow = Date.now;
  let isAsleep = true;
  // The clock at which the request was signed is that of before the sleep.
  vi.spyOn(Date, "now").mockImplementation(() => {
    if (!isAsleep) return realNow();
    isAsleep = false;
    return realNow() - sleptMs;
  });
  try {
    expect(await calls.send(call, SIGNAL)).toMatchObject({ status: 200 });
  } finally {
    vi.restoreAllMocks();
  }
  calls.close();
});

test("a look for new credentials is made once a second at most, whoever waits for it", async () => {
  await using world = await OciWorld.start({ topics: { orders: {} } });
  const { configFile: _, ...options } = world.options;
  const token = `ST$${await readFile(fileOf(world, "token"), "utf8")}`;
  const pem = await readFile(fileOf(world, "key.pem"), "utf8");
  let refreshes = 0;
  const authentication = {
    getKeyId: async () => token,
    getPrivateKey: () => pem,
    getPassphrase: () => null,
    refresh: async () => void (refreshes += 1),
  };
  const calls = new ServiceCalls(new Authentication({ ...options, authentication }), SILENT);
  const url = `${world.emulator.endpoint}/20180418/streams?streamPoolId=${world.emulator.streamPool}`;
  const list = async (): Promise<unknown> =>
    calls.send({ operation: "ListStreams", method: "GET", url }, SIGNAL).catch((error: unknown) => error);
  await list();
  world.emulator.expireSession();
  const startedMs = performance.now();
  while (performance.now() - startedMs < 2_500) {
    await Promise.all([list(), list(), list()]);
    await delay(20);
  }
  expect(refreshes).toBeGreaterThanOrEqual(3);
  expect(refreshes).toBeLessThanOrEqual(4);
  calls.close();
});

test("a grace begins with the first failure after a success, and ends with its time", () => {
  let nowMs = 0;
  const grace = new CredentialGrace(60_000, () => nowMs);
  expect(grace.failed()).toBe(false);
  grace.worked();
  nowMs = 1_000_000;
  expect(grace.failed()).toBe(true);
  nowMs += 59_000;
  expect(grace.failed()).toBe(true);
  nowMs += 2_000;
  expect(grace.failed()).toBe(false);
  grace.worked();
  nowMs += 1_000_000;
  expect(grace.failed()).toBe(true);
});
