import type { AsyncLocalStorage } from "node:async_hooks";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { json } from "../../../src/codec/json.ts";
import { connect } from "../../../src/connect.ts";

interface Example {
  readonly trace: AsyncLocalStorage<string | undefined>;
  readonly cost: ReadonlyMap<string, { readonly calls: number; readonly total: number }>;
}

async function loadExample(): Promise<Example> {
  const readme = await readFile(new URL("../../../src/diagnostics/README.md", import.meta.url), "utf8");
  const code = /```js\n([^]*?)```/.exec(readme)?.[1];
  if (code === undefined) throw new Error("the README of the diagnostics has no example");
  const folder = await mkdtemp(join(tmpdir(), "streamport-"));
  try {
    const file = join(folder, "example.mjs");
    await writeFile(file, `${code}\nexport { trace, cost };\n`);
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Example;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("the README's example carries a trace from send to handler and counts what was charged", async () => {
  const { trace, cost } = await loadExample();
  await using connection = await connect("memory:?create=orders");
  const orders = connection.topic("orders", { codec: json<string>() });
  const producer = orders.producer();
  await trace.run("trace-1", () => producer.send({ key: "a", value: "first" }));
  await producer.send({ key: "a", value: "second" });

  const seen: [string, string | undefined][] = [];
  const consumer = orders.consumer({ group: "billing" });
  await consumer.run((message) => {
    seen.push([message.value, trace.getStore()]);
    if (seen.length === 2) void consumer.close();
  });
  expect(seen).toEqual([
    ["first", "trace-1"],
    ["second", undefined],
  ]);
  expect([...cost.values()].reduce((sum, { calls }) => sum + calls, 0)).toBeGreaterThan(1);
  expect([...cost.values()].every(({ total }) => total >= 0)).toBe(true);
});
