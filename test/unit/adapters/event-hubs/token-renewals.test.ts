import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const PROGRAM = fileURLToPath(new URL("closing-process.ts", import.meta.url));
const EXIT_MS = 5_000;

test("a process whose links and connections were lost ends by itself once its connection is closed", GENEROUS, async () => {
  await using world = await EventHubsWorld.start({ topics: { flights: { partitions: 2, groups: ["delays"] } } });
  const { emulator } = world;
  // Lost answers, detached links and three kinds of broken connections.
  emulator.inject({ kind: "fail-before-write", topic: "flights", after: 2, times: 4 });
  emulator.inject({ kind: "fail-after-write", topic: "flights", after: 10, times: 3 });
  emulator.inject({ kind: "disconnect", topic: "flights", after: 60, times: 3 });
  emulator.inject({ kind: "expire-cursor", topic: "flights", after: 5, times: 2 });
  const child = spawn(process.execPath, [PROGRAM, emulator.url], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const exit = once(child, "exit");
    const [printed] = (await once(child.stdout, "data")) as [Buffer];
    expect(printed.toString()).toBe("closed\n");
    expect(await Promise.race([exit, delay(EXIT_MS, "still running")])).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
