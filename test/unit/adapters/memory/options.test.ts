import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type MemoryOptions, memory } from "../../../../adapters/memory/index.ts";
import { openMemory } from "../../../../adapters/memory/open.ts";
import { classify } from "../../../../adapters/memory/errors.ts";
import { StreamError } from "../../../../src/driver/index.ts";
import { open, publish, readAll, series, signal } from "./harness.ts";

function configuration(words: RegExp): object {
  return expect.objectContaining({ code: "configuration", message: expect.stringMatching(words) as string }) as object;
}

test.each([
  [{ nme: "x" }, /there is no "nme"; allowed are name, topics, like, without, delayMs/],
  [{ name: "" }, /name must be a non-empty string; received ""/],
  [{ like: "rabbit" }, /like must be one of kafka, kinesis, event-hubs, pubsub, oci-streaming; received "rabbit"/],
  [{ without: ["speed"] }, /no capability "speed"; allowed are partitions, /],
  [{ without: "partitions" }, /without must be an array/],
  [{ delayMs: -1 }, /delayMs must be milliseconds/],
  [{ delayMs: Number.NaN }, /received NaN/],
  [{ topics: { "a b": {} } }, /topics: a topic's name has/],
  [{ topics: { a: { partition: 1 } } }, /topic "a": there is no setting "partition"; allowed are partitions, retentionMs/],
  [{ topics: { a: { partitions: 0 } } }, /partitions must be a positive integer; received 0/],
  [{ topics: ["a"] }, /topics must be an object/],
  ["name", /an object is needed/],
] as [unknown, RegExp][])("options %j are refused", (options, words) => {
  expect(() => memory(options as MemoryOptions)).toThrow(configuration(words));
});

test.each([
  ["memory:x?colour=red", /no setting "colour"; allowed are create, like, without, delayMs/],
  ["memory:x?name=y", /no setting "name"/],
  ["memory:x?like=kafka&like=kinesis", /"like" is given more than once/],
  ["memory:x?delayMs=soon", /delayMs must be a number of milliseconds; received "soon"/],
  ["memory:x?create=a%20b", /topics: a topic's name has/],
  ["memory:x?without=a", /no capability "a"/],
  ["memory://host/name", /none of/],
  ["memory:%zz", /percent-encoded/],
  ["memory", /a URL of the form/],
])("the URL %s is refused", (url, words) => {
  expect(() => openMemory(url)).toThrow(configuration(words));
});

test("a URL has the same settings as the options", async () => {
  const { driver } = open("create=orders,payments&like=kinesis&without=lagInTime,tombstones&delayMs=1");
  expect(driver.capabilities).toMatchObject({ lagInTime: false, tombstones: false, lagInMessages: false, readerEnd: "caught-up" });
  expect(await driver.admin.listTopics(signal)).toEqual(["orders", "payments"]);
  expect(memory({ like: "kinesis", without: ["lagInTime", "tombstones"] }).capabilities).toEqual(driver.capabilities);
});

test("a name is shared by the process and outlives its connections; without one a broker is private", async () => {
  const first = open("create=orders");
  await publish(first.driver, "orders", series(5));
  await first.driver.close();
  const again = open("create=orders", first.name);
  expect([...(await readAll(again.driver, "orders")).values()].flat()).toHaveLength(5);
  const unnamed = openMemory("memory:?create=orders");
  const report = Object.assign(() => {}, { wants: () => false });
  const [one, other] = [unnamed.open({ report }), unnamed.open({ report })];
  await one.admin.createTopic("payments", {}, signal);
  expect(await one.admin.listTopics(signal)).toEqual(["orders", "payments"]);
  expect(await other.admin.listTopics(signal)).toEqual(["orders"]);
});

test("names of topics follow the rules of brokers", () => {
  const driver = openMemory("memory:");
  for (const name of ["a", "orders.v1_EU-2", "x".repeat(249)]) expect(driver.refuseTopicName(name)).toBeNull();
  for (const name of ["", ".", "..", "a b", "é", "a/b", "x".repeat(250)]) expect(driver.refuseTopicName(name)).toMatch(/1 to 249/);
});

test("names of groups are well-formed and have at most 249 characters; a native name stands for the other", () => {
  const driver = openMemory("memory:");
  const refused = (group: string, nativeGroup?: string): string | null => driver.refuseGroupName({ group, nativeGroup });
  for (const name of ["a", "a b/é", "x".repeat(249)]) expect(refused(name)).toBeNull();
  expect(refused("x".repeat(250))).toMatch(/1 to 249 characters.*received 250$/);
  expect(refused("\ud800")).toMatch(/well-formed.*received half of a surrogate pair$/);
  expect(refused("\ud800", "a")).toBeNull();
  expect(refused("a", "x".repeat(250))).toMatch(/received 250$/);
});

test("a StreamError stays as it is; other errors are internal, and their text is not shown", () => {
  const ours = new StreamError("throttled", "slow down");
  expect(classify(ours)).toBe(ours);
  const cause = new TypeError("secret");
  expect(classify(cause)).toMatchObject({
    code: "internal",
    retryable: false,
    cause,
    provider: "memory",
    message: expect.not.stringContaining("secret") as string,
  });
  expect(classify("text")).toMatchObject({ code: "internal", cause: "text" });
});

test("every call takes the delay, and an abort ends it with its reason", async () => {
  const { driver } = open("create=orders&delayMs=20");
  const begun = performance.now();
  await driver.check(signal);
  await driver.identity("orders", signal);
  expect(performance.now() - begun).toBeGreaterThan(35);
  const reason = new Error("enough");
  const abort = new AbortController();
  const waiting = driver.admin.listTopics(abort.signal);
  abort.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(driver.check(AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("the process ends by itself when everything is closed, and lives while a member waits", () => {
  const program = `
    import { openMemory } from "./adapters/memory/open.ts";
    const driver = openMemory("memory:?create=orders").open({ report: Object.assign(() => {}, { wants: () => false }) });
    const settings = { group: "g", nativeGroup: undefined, initialPosition: { kind: "earliest" }, sessionTimeoutMs: 60_000, maxBufferedBytes: 1e6 };
    const consumer = driver.consumer("orders", settings);
    const nothing = () => {};
    await consumer.start({ joined: nothing, assigned: nothing, caughtUp: nothing, deliver: async () => {} }, new AbortController().signal);
    setTimeout(async () => {
      process.stdout.write("still here ");
      await consumer.close();
      await driver.close();
      process.stdout.write("closed");
    }, 20).unref();
  `;
  const output = execFileSync(process.execPath, ["--input-type=module-typescript", "--eval", program], {
    encoding: "utf8",
    timeout: 10_000,
  });
  expect(output).toBe("still here closed");
});
