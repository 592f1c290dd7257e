import { expect, test, vi } from "vitest";
import { memory } from "../../adapters/memory/index.ts";
import { type Message, connect, json, text } from "../../src/index.ts";
import type { Driver } from "../../src/index.ts";
import { openMemory } from "../../adapters/memory/open.ts";
import { overrideOpened } from "../mutants/mutant.ts";
import { override } from "../mutants/override.ts";
import { availableProviders, plannedProviders } from "../providers.ts";

const words = { codec: text(), key: (value: string) => value.slice(0, 1) };

test("unknown schemes, settings, options and drivers are refused before anything is opened", async () => {
  await expect(connect("amqp://localhost")).rejects.toMatchObject({ code: "configuration", message: expect.stringContaining("memory") });
  await expect(connect("memory:?color=red")).rejects.toMatchObject({ code: "configuration", message: expect.stringContaining("color") });
  await expect(connect("memory:", { requires: [] } as never)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("require"),
  });
  await expect(connect("memory:", { topics: { orders: "" } })).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(connect(7 as never)).rejects.toMatchObject({ code: "configuration", message: expect.stringContaining("received 7") });
  await expect(connect({} as Driver)).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining("version 1 is needed"),
  });
  await expect(connect({ specVersion: 1, provider: "x", capabilities: {} } as Driver)).rejects.toMatchObject({
    code: "configuration",
    message: "this driver lacks members that the driver contract asks for: refuseTopicName, refuseGroupName, open",
  });
  const opening = { specVersion: 1, provider: "x", capabilities: {}, refuseTopicName: () => null, refuseGroupName: () => null } as const;
  await expect(connect({ ...opening, open: () => undefined } as unknown as Driver)).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining("received undefined"),
  });
  await expect(connect({ ...opening, open: () => ({ provider: "x", check: () => {} }) } as unknown as Driver)).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringMatching(
      /^what open of this driver returned lacks .*: topicCapabilities, .*, producer, .*, admin, capabilities$/,
    ),
  });
});

test.each(
  plannedProviders.flatMap((provider) => [
    `${provider}:`,
    `${provider}://name:key@host/path?topic.a=b`,
    `${provider.toUpperCase()}://host`,
  ]),
)("%s is refused: its provider is not part of this version", async (url) => {
  const provider = url.split(":", 1)[0]!.toLowerCase();
  await expect(connect(url)).rejects.toMatchObject({
    code: "configuration",
    provider,
    message: `the provider ${provider} is not part of this version; there are ${availableProviders.join(", ")}`,
  });
});

test("a required capability that is missing shows at connect, an unknown one is named", async () => {
  await expect(connect("memory:?without=lagInTime", { require: ["lagInTime"] })).rejects.toMatchObject({
    code: "unsupported",
    capability: "lagInTime",
  });
  await expect(connect("memory:", { require: ["teleport" as never] })).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("teleport"),
  });
});

test("each connection opens the driver for itself: closing one leaves the others as they are", async () => {
  const driver = memory({ topics: { orders: {} } });
  const [first, second] = [await connect(driver), await connect(driver)];
  await first.admin.createTopic("payments");
  await first.close();
  expect(await second.admin.listTopics()).toEqual(["orders"]);
  await second.topic("orders", words).producer().send({ value: "a" });
  await second.close();
});

test("names in the code stand for the provider's own, from the URL and the options", async () => {
  const connection = await connect("memory:native-names?create=orders-v1,bills-v1&topic.orders=orders-v1", {
    require: ["topicListing"],
    topics: { bills: "bills-v1" },
  });
  await connection.topic("orders", words).producer().send({ value: "a" });
  await connection.topic("bills", words).producer().send({ value: "b" });
  expect(await connection.admin.describeTopic("orders")).toMatchObject({ name: "orders", nativeName: "orders-v1" });
  expect([...(await connection.admin.listTopics())].sort()).toEqual(["bills", "orders"]);
  const other = await connect("memory:native-names");
  const received: string[] = [];
  for await (const message of other.topic("orders-v1", words).reader({ until: "now" })) received.push(message.value);
  expect(received).toEqual(["a"]);
  await Promise.all([connection.close(), other.close()]);
});

test("where a native name stands for a topic, that is the name the provider judges, for topics and administration alike", async () => {
  const connection = await connect("memory:?create=orders-v1", { topics: { "all orders": "orders-v1" } });
  await connection.topic("all orders", words).producer().send({ value: "o" });
  expect(await connection.admin.describeTopic("all orders")).toMatchObject({ name: "all orders" });
  await expect(connect("memory:", { groups: { billing: "\ud800" } })).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringMatching(/^invalid group name "\\ud800": a group's name has 1 to 249 characters/),
  });
  await expect(connect("memory:", { topics: { bills: "bills v1" } })).rejects.toMatchObject({
    code: "invalid-argument",
    topic: "bills",
    message: expect.stringMatching(/^invalid topic name "bills v1": /),
  });
  const refused = { code: "invalid-argument", topic: "bills v2" };
  expect(() => connection.topic("bills v2", words)).toThrowError(expect.objectContaining(refused));
  await expect(connection.admin.describeTopic("bills v2")).rejects.toMatchObject(refused);
  await connection.close();
});

test.each(["", "a b", "x".repeat(300), 5 as never])("the topic name %j is refused", async (name) => {
  const connection = await connect("memory:");
  expect(() => connection.topic(name, words)).toThrowError(expect.objectContaining({ code: "invalid-argument" }));
  await connection.close();
});

test.each([{}, { codec: {} }, { codec: text(), keys: 1 }, { codec: text(), key: "x" }, undefined])(
  "topic options %j are refused",
  async (options) => {
    const connection = await connect("memory:");
    expect(() => connection.topic("orders", options as never)).toThrowError(expect.objectContaining({ code: "invalid-argument" }));
    await connection.close();
  },
);

test("check returns the health and never rejects, except by its signal", async () => {
  const connection = await connect("memory:");
  expect(await connection.check()).toMatchObject({ ok: true, error: null });
  const reason = new Error("enough");
  await expect(connection.check({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await connection.close();
  expect(await connection.check()).toMatchObject({ ok: false, error: { code: "closed" } });
});

test("close drains: handlers finish and may still send, sends are flushed, then everything is refused as closed", async () => {
  const connection = await connect("memory:close-drains?create=in,out", { require: ["topicListing"] });
  const input = connection.topic("in", words);
  const output = connection.topic("out", words).producer();
  await input.producer().send({ value: "work" });
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const run = input.consumer({ group: "g" }).run(async (message: Message<string>) => {
    start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await output.send({ value: `${message.value} done` });
    await connection.topic("out", words).producer().send({ value: "by a new producer" });
  });
  await started;
  const closing = connection.close();
  expect(connection.close()).toBe(closing);
  await Promise.all([closing, run]);
  await expect(output.send({ value: "late" })).rejects.toMatchObject({ code: "closed" });
  expect(() => input.consumer({ group: "g" })).toThrowError(expect.objectContaining({ code: "closed" }));
  await expect(connection.admin.listTopics()).rejects.toMatchObject({ code: "closed" });
  expect(() => connection.topic("in", words)).toThrowError(expect.objectContaining({ code: "closed" }));

  const after = await connect("memory:close-drains", { require: ["lagInMessages"] });
  const values: string[] = [];
  for await (const { value } of after.topic("out", words).reader({ until: "now" })) values.push(value);
  expect(values.sort()).toEqual(["by a new producer", "work done"]);
  expect(await after.admin.lag("in", "g")).toMatchObject({ messages: 0 });
  await after.close();
});

test("tombstones need the capability", async () => {
  const connection = await connect("memory:?without=tombstones");
  expect(() => connection.topic("orders", { codec: json<number>(), tombstones: true })).toThrowError(
    expect.objectContaining({ code: "unsupported", capability: "tombstones" }),
  );
  await connection.close();
});

test("more partitions than memory may have are refused, not tried", async () => {
  const connection = await connect("memory:", { require: ["topicAdmin"] });
  await expect(connection.admin.createTopic("wide", { partitions: 1e9 })).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("1000 partitions; received 1000000000"),
  });
  await connection.admin.createTopic("narrow", { partitions: 2 });
  await expect(connection.admin.updateTopic("narrow", { partitions: 1e9 })).rejects.toMatchObject({ code: "invalid-argument" });
  await connection.close();
});

test("options that are refused at once say of which topic and operation; a member that handles is not joining", async () => {
  const connection = await connect("memory:?create=orders");
  const orders = connection.topic("orders", words);
  const refused = (operation: string): object =>
    expect.objectContaining({ code: "invalid-argument", provider: "memory", topic: "orders", operation });
  expect(() => orders.consumer({ group: "g", foo: 1 } as never)).toThrowError(refused("consume"));
  expect(() => orders.producer({ foo: 1 } as never)).toThrowError(refused("send"));
  expect(() => orders.reader({ foo: 1 } as never)).toThrowError(refused("read"));
  const without = (await connect("memory:?create=orders&without=startAtPosition")).topic("orders", words);
  expect(() => without.consumer({ group: "g", skipMigrated: true })).toThrowError(
    expect.objectContaining({ code: "unsupported", provider: "memory", topic: "orders" }),
  );
  await orders.producer().send({ value: "a" });
  const consumer = orders.consumer({ group: "g" });
  const states: string[] = [];
  const { promise: handled, resolve } = Promise.withResolvers<void>();
  const run = consumer.run(() => {
    states.push(consumer.status().state);
    resolve();
  });
  await handled;
  expect(states).toEqual(["running"]);
  await connection.close();
  await run;
});

test.each([
  ["that hangs", false],
  ["that breaks in its own way", true],
])("a call %s when the connection closes is closed, at once", async (_, breaks) => {
  const broken = Promise.withResolvers<never>();
  const open = { count: 0 };
  const cut = async (): Promise<never> => {
    open.count += 1;
    return broken.promise;
  };
  const driver = overrideOpened(openMemory("memory:?create=orders"), (opened) =>
    override(opened, {
      check: cut,
      topicCapabilities: cut,
      admin: override(opened.admin, { describeTopic: cut, createTopic: cut, lag: cut }),
      close: async () => {
        if (breaks) broken.reject(new TypeError("socket hang up"));
        await opened.close();
      },
    }),
  );
  const connection = await connect(driver, { require: ["topicAdmin", "lagInMessages"] });
  const orders = connection.topic("orders", words);
  const { signal } = new AbortController();
  const calls = {
    "admin.describeTopic": connection.admin.describeTopic("orders"),
    "admin.createTopic": connection.admin.createTopic("more", {}, { signal }),
    "admin.lag": connection.admin.lag("orders", "billing"),
    "topic.capabilities": orders.capabilities(),
    lag: orders.consumer({ group: "billing" }).lag({ signal }),
  };
  const check = connection.check();
  await vi.waitFor(() => expect(open.count).toBe(6));
  const ended = Object.entries(calls).map(([operation, call]) =>
    expect(call).rejects.toMatchObject({ code: "closed", operation, provider: "memory" }),
  );
  await connection.close();
  await Promise.all(ended);
  expect(await check).toMatchObject({ ok: false, error: { code: "closed", operation: "check" } });
});
