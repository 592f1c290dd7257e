import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { text } from "../../../../src/index.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const MEMBER = fileURLToPath(new URL("member-process.ts", import.meta.url));
const LATER = { timeout: 30_000 };
const LOOKS = 40;

test(
  "a member that stood still beyond its lease moves no checkpoint back, and learns that it has lost the partition",
  GENEROUS,
  async () => {
    await using world = await EventHubsWorld.start();
    const connection = await world.connect();
    const topic = connection.topic("flights", { codec: text() });
    const producer = topic.producer();
    const send = async (...values: readonly string[]): Promise<void> => {
      await producer.sendBatch(values.map((value) => ({ key: "LH400", value })));
    };
    const checkpoint = async (): Promise<number> => {
      const { metadata } = await world.container.getBlobClient("127.0.0.1/flights/delays/checkpoint/0").getProperties();
      return Number(metadata?.["sequencenumber"] ?? -1);
    };
    const frozen = spawn(process.execPath, [MEMBER, world.emulator.url], { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    frozen.stdout.setEncoding("utf8").on("data", (more: string) => (printed += more));
    try {
      await send("0");
      await expect.poll(() => printed, LATER).toContain("handled 0");
      await expect.poll(checkpoint, LATER).toBe(0);
      await send("1");
      await expect.poll(() => printed, LATER).toContain("begun 1");
      frozen.kill("SIGSTOP");
      const values: string[] = [];
      const next = topic.consumer({ group: "delays", sessionTimeoutMs: 3_000, commit: { everyMs: 10 } });
      const running = next.run(({ value }) => void values.push(value));
      running.catch(() => undefined);
      await expect.poll(() => values, LATER).toEqual(["1"]);
      await send("2", "3", "4");
      await expect.poll(() => values, LATER).toEqual(["1", "2", "3", "4"]);
      await expect.poll(checkpoint, LATER).toBe(4);
      frozen.kill("SIGCONT");
      // What it had begun ends now, and is nothing that it may store.
      await expect.poll(() => printed, LATER).toMatch(/(?:handled|given up) 1/);
      await expect.poll(() => printed, LATER).toContain("lost 0");
      for (let look = 0; look < LOOKS; look += 1) {
        expect(await checkpoint()).toBeGreaterThanOrEqual(4);
        await delay(50);
      }
      await send("5");
      await expect.poll(() => values.includes("5") || printed.includes("handled 5"), LATER).toBe(true);
      expect(printed).not.toMatch(/begun [234]/);
      expect(printed.slice(printed.indexOf("begun 1"))).not.toMatch(/^stored$/m);
      await next.close();
      await running;
    } finally {
      frozen.kill("SIGKILL");
    }
  },
);
