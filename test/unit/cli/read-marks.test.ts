import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { connect, text } from "../../../src/index.ts";
import { runInProcess } from "./run-in-process.ts";

/** Commands refuse a provider in their own process; here it is shared with the test, and the only one yet that makes bookmarks itself. */
vi.mock("../../../src/cli/options/connection-url.ts", async (original) => ({
  ...(await original<object>()),
  sharedTarget: () => ({ url: process.env["STREAM_URL"] }),
}));

test("where the provider itself makes bookmarks, read goes on from its file as well, and asks for few of them", async () => {
  const url = `memory:${randomUUID()}?create=orders&like=pubsub`;
  const folder = await mkdtemp(join(tmpdir(), "streamport-read-"));
  const producer = (await connect(url)).topic("orders", { codec: text() }).producer();
  const send = async (count: number): Promise<void> => {
    await producer.sendBatch(Array.from({ length: count }, (_, index) => ({ key: `key-${index % 7}`, value: `${index}` })));
  };
  const read = async (...args: string[]): Promise<number> => {
    const options = ["read", "--topic", "orders", "--bookmark-file", join(folder, "orders.mark"), ...args];
    const { exitCode, output, errors } = await runInProcess(options, url);
    expect([exitCode, errors]).toEqual([0, ""]);
    return output.split("\n").length - 1;
  };
  try {
    await send(50);
    expect(await read("--max", "20")).toBe(20);
    expect(await read()).toBe(30);
    await send(10);
    expect(await read()).toBe(10);
    expect(await read()).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
