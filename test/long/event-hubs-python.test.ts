import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import type { Fault } from "../../src/driver/index.ts";
import { pythonFolder, pythonRequirements } from "./fetched-packages.ts";

const PACKAGES = ["azure-eventhub==5.15.1", "azure-eventhub-checkpointstoreblob==1.2.0"];
const JUDGE = fileURLToPath(new URL("event-hubs-judge.py", import.meta.url));
const missing = pythonRequirements();

test.each(missing === null ? [] : [missing])("environment-missing: %s", (reason) => {
  expect(reason).toMatch(/python3/);
});

interface Line {
  readonly check?: string;
  readonly ok?: boolean;
  readonly detail?: string;
  readonly inject?: Fault;
  readonly clear?: boolean;
  readonly end?: boolean;
}

test.each(missing === null ? ["azure-eventhub"] : [])(
  "the client %s of Python publishes, reads, fails, owns and processes on the emulated Event Hubs",
  { timeout: 900_000 },
  async () => {
    const folder = await pythonFolder(PACKAGES);
    await using emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 4, groups: ["billing"] } }, blobsPerPage: 3 });
    const { connectionString, storageConnectionString, checkpointContainer } = emulator;
    const addresses = {
      EVENT_HUBS: connectionString,
      STORAGE: storageConnectionString,
      CONTAINER: checkpointContainer,
      PYTHONPATH: folder,
    };
    const judge = spawn("python3", [JUDGE], { env: { ...process.env, ...addresses }, stdio: ["pipe", "pipe", "inherit"] });
    const checks: Record<string, string> = {};
    let isComplete = false;
    for await (const text of createInterface({ input: judge.stdout })) {
      const { check, ok, detail, inject, clear, end } = JSON.parse(text) as Line;
      if (check !== undefined) checks[check] = ok === true ? "ok" : String(detail);
      if (inject !== undefined) emulator.inject(inject);
      if (clear === true) emulator.clearFaults();
      if (inject !== undefined || clear === true) judge.stdin.write("\n");
      if (end === true) isComplete = true;
    }
    await (judge.exitCode === null ? once(judge, "exit") : undefined);
    expect(checks).toEqual(Object.fromEntries(Object.keys(checks).map((name) => [name, "ok"])));
    expect(Object.keys(checks).length).toBeGreaterThan(30);
    expect(isComplete).toBe(true);
  },
);
