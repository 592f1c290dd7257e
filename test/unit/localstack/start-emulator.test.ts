import { describe, expect, test } from "vitest";
import { inProcessProviders, reachableProviders } from "../../../localstack/in-process.ts";
import { type EmulatedProvider, type Fault, startEmulator } from "../../../localstack/index.ts";
import { type Admin, type Connection, StreamError, connect, text } from "../../../src/index.ts";
import { plannedProviders } from "../../providers.ts";

/** Those that there are; where the provider does not list them, of these names. */
async function topicsOf({ admin, capabilities }: Connection, names: readonly string[]): Promise<readonly string[]> {
  if (capabilities.topicListing) return (admin as Admin<"topicListing">).listTopics();
  const found: string[] = [];
  for (const name of names) {
    const description = await admin.describeTopic(name).catch((error: unknown) => error);
    if (!(description instanceof StreamError)) found.push(name);
    else expect(description.code).toBe("not-found");
  }
  return found;
}

describe.each(Object.keys(inProcessProviders) as EmulatedProvider[])("the emulator of %s", (provider) => {
  test("needs nothing but its URL, has the given topics, and creates new ones", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: { partitions: 3 } } });
    await emulator.createTopic("payments", { partitions: 2, groups: ["billing"] });
    await using connection = await connect(emulator.url);
    expect(await topicsOf(connection, ["orders", "payments", "returns"])).toEqual(["orders", "payments"]);
    const { partitions } = await connection.admin.describeTopic("orders");
    expect(partitions).toHaveLength(connection.capabilities.partitions ? 3 : 1);
    const orders = connection.topic("orders", { codec: text(), key: (value) => value });
    await orders.producer().send({ value: "one" });
    const values: string[] = [];
    for await (const { value } of orders.reader({ until: "now" })) values.push(value);
    expect(values).toEqual(["one"]);
  });

  test("shows faults", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: {} } });
    await using connection = await connect(emulator.url);
    await emulator.inject({ kind: "refuse-authorization", topic: "orders" });
    await expect(connection.admin.describeTopic("orders")).rejects.toMatchObject({ code: "permission-denied" });
    await connection.admin.describeTopic("orders");
    expect(() => emulator.inject({ kind: "earthquake" as "stall" })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test("cannot show a fault in calls of an operation that it does not affect", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: {} } });
    expect(() => emulator.inject({ kind: "throttle", operation: "fetch" })).toThrow(
      expect.objectContaining({ code: "unsupported", provider }),
    );
  });

  test("withdraws faults that have not been applied yet", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: {}, payments: {} } });
    await using connection = await connect(emulator.url);
    await emulator.inject({ kind: "refuse-authorization", times: 3 });
    await emulator.inject({ kind: "disconnect", topic: "orders", after: 1 });
    await expect(connection.admin.describeTopic("payments")).rejects.toMatchObject({ code: "permission-denied" });
    emulator.clearFaults();
    emulator.clearFaults();
    await connection.admin.describeTopic("payments");
    await connection.admin.describeTopic("orders");
    await connection.admin.describeTopic("orders");
    await emulator.inject({ kind: "refuse-authorization", topic: "orders" });
    await expect(connection.admin.describeTopic("orders")).rejects.toMatchObject({ code: "permission-denied" });
  });

  test("makes an invalid message valid again", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: { partitions: 1 } } });
    await using connection = await connect(emulator.url);
    const producer = connection.topic("orders", { codec: text(), key: () => "a" }).producer({ onKeyFailure: "continue" });
    await emulator.inject({ kind: "fail-entry", topic: "orders", times: 1_000 });
    await expect(producer.send({ value: "one" })).rejects.toMatchObject({ code: "invalid-argument" });
    emulator.clearFaults();
    await producer.send({ value: "one" });
  });

  test.each([
    [{ often: 3 }, /there is no "often"; allowed are kind, after, times/],
    [{ times: 0 }, /times must be a positive integer/],
    [{ after: -1 }, /after must be an integer of 0 or more; received -1/],
    [{ durationMs: "long" }, /durationMs must be milliseconds/],
    [{ topic: "" }, /topic must be a non-empty string/],
    [{ partition: 0 }, /partition must be a non-empty string; received 0/],
  ])("refuses a fault with %j", async (wrong, message) => {
    await using emulator = await startEmulator(provider, { topics: { orders: {} } });
    const fault = { kind: "stall", ...wrong } as Fault;
    expect(() => emulator.inject(fault)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(message) }),
    );
  });

  test("refuses invalid topics", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: {} } });
    await expect(emulator.createTopic("orders")).rejects.toMatchObject({ code: "already-exists" });
    await expect(emulator.createTopic("other", { partitions: 0 })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(startEmulator(provider, { topics: { other: { partitions: -1 } } })).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("two emulators are separate, and closing one drops its data", async () => {
    await using first = await startEmulator(provider, { topics: { orders: {} } });
    await using second = await startEmulator(provider);
    await using connection = await connect(second.url);
    expect(await topicsOf(connection, ["orders"])).toEqual([]);
    await first.close();
    await first.close();
  });

  test("names what is needed, if nothing is given", async () => {
    await using emulator = await startEmulator(provider);
    const nothing = undefined as unknown as string;
    await expect(emulator.createTopic(nothing)).rejects.toMatchObject({
      code: "invalid-argument",
      message: "the name of a topic must be a non-empty string; received undefined",
    });
    await expect(emulator.createTopic("orders", null as unknown as object)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(() => emulator.inject(undefined as unknown as Fault)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    await expect(startEmulator(provider, null as unknown as object)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("says that it is closed", async () => {
    const emulator = await startEmulator(provider, { topics: { orders: {} } });
    await emulator.close();
    await expect(emulator.createTopic("payments")).rejects.toMatchObject({ code: "closed", provider });
    expect(() => emulator.clearFaults()).toThrow(expect.objectContaining({ code: "closed", provider }));
    expect(() => emulator.inject({ kind: "throttle" })).toThrow(expect.objectContaining({ code: "closed", provider }));
  });

  test("refuses unknown options", async () => {
    await expect(startEmulator(provider, { ports: 1 } as object)).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(startEmulator(provider, { port: 70_000 })).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

/** As messages list them. */
const there = Object.keys(inProcessProviders).join(", ");

test("a provider without an emulator, and an unknown one", async () => {
  for (const provider of plannedProviders.filter((name) => !Object.hasOwn(inProcessProviders, name))) {
    await expect(startEmulator(provider as EmulatedProvider)).rejects.toMatchObject({
      code: "unsupported",
      provider,
      message: expect.stringContaining(`there are ${there}`),
    });
  }
  await expect(startEmulator("rabbit" as "kafka")).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining(`there are ${there}`),
  });
});

test("no provider at all", async () => {
  await expect(startEmulator(undefined as unknown as "kafka")).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining(`a provider must be named; received undefined; there are ${there}`),
  });
});

test("Kafka listens on the given port, or fails if the port is taken", async () => {
  const first = await startEmulator("kafka");
  const port = Number(new URL(first.url).port);
  await expect(startEmulator("kafka", { port })).rejects.toMatchObject({ code: "configuration" });
  await first.close();
  await using again = await startEmulator("kafka", { port });
  expect(again.url).toBe(first.url);
});

test("all that other programs can reach are up within a second, once their code is loaded", async () => {
  const startAll = () => Promise.all(reachableProviders.map((provider) => startEmulator(provider as EmulatedProvider)));
  await Promise.all((await startAll()).map((emulator) => emulator.close()));
  const startedMs = performance.now();
  const emulators = await startAll();
  const tookMs = performance.now() - startedMs;
  await Promise.all(emulators.map((emulator) => emulator.close()));
  expect(reachableProviders).toHaveLength(5);
  expect(tookMs).toBeLessThan(1_000);
});
