import { join } from "node:path";
import { expect, test } from "vitest";
import { memoryBroker } from "../../../adapters/memory/broker/brokers.ts";
import { PREAMBLE, writeFiles } from "../../cli/adapter-modules.ts";
import { runInProcess } from "./run-in-process.ts";

/** Its addresses are `files:`, and all of them the same broker of memory. */
const ADAPTER = `${PREAMBLE}export const openDriver = () => openMemory("memory:adapter-of-the-test");`;
const URL_OF_ADAPTER = "files:/tmp/streams?topic.orders=orders-v1";

test("every command with a connection takes an adapter outside this package, and the core's settings in its URL", async () => {
  await using place = await writeFiles({ "adapter.mjs": ADAPTER, "lines.txt": "one\ntwo\n" });
  const adapter = ["--adapter", join(place.folder, "adapter.mjs")];
  const run = async (command: string, ...args: readonly string[]) => {
    const words = command.split(" ");
    const result = await runInProcess([...words, URL_OF_ADAPTER, ...adapter, ...args]);
    expect(result, command).toMatchObject({ exitCode: 0 });
    return result;
  };
  const orders = ["--topic", "orders"];
  await run("topics create", ...orders, "--partitions", "2");
  expect(memoryBroker("adapter-of-the-test").topicNames).toEqual(["orders-v1"]);
  await run("topics update", ...orders, "--retention", "1h");
  expect((await run("topics describe", ...orders)).output).toContain("orders-v1");
  expect((await run("topics list")).output).toBe("orders\n");
  await run("produce", join(place.folder, "lines.txt"), ...orders, "--lines");
  expect((await run("read", ...orders)).output.match(/"value":"(?:one|two)"/g)).toHaveLength(2);
  expect((await run("consume", ...orders, "--group", "g", "--max", "2")).output.match(/"value"/g)).toHaveLength(2);
  expect((await run("groups list", ...orders)).output).toBe("g\n");
  expect((await run("groups describe", ...orders, "--group", "g")).output).toContain("native name");
  expect((await run("lag", ...orders, "--json")).output).toContain('"messages":0');
  await run("groups reset", ...orders, "--group", "g", "--to", "earliest", "--execute");
  expect((await run("lag", ...orders, "--json")).output).toContain('"messages":2');
  await run("groups delete", ...orders, "--group", "g", "--execute");
  expect((await run("capabilities", "--json")).output).toContain('"topicAdmin":true');
  expect((await run("doctor", ...orders)).output).toMatch(/^ok +describe topic/m);
  await run("topics delete", ...orders, "--execute");
  expect(memoryBroker("adapter-of-the-test").topicNames).toEqual([]);
});

test("a module that is no adapter is wrong usage", async () => {
  await using place = await writeFiles({ "adapter.mjs": "export const none = 1;" });
  const result = await runInProcess(["topics", "list", "files:/tmp", "--adapter", join(place.folder, "adapter.mjs")]);
  expect(result).toMatchObject({ exitCode: 2, output: "" });
  expect(result.errors).toMatch(/^error: --adapter: the module .* has no opener/);
});
