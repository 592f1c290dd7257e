import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { EventHubsDriver } from "../../../../adapters/event-hubs/driver.ts";
import type { Permission, Report } from "../../../../src/driver/index.ts";
import { text } from "../../../../src/index.ts";
import { runInProcess } from "../../cli/run-in-process.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const SIGNAL = new AbortController().signal;
const SILENT: Report = Object.assign(() => undefined, { wants: () => false });
const KEY = "YWxs";
const ALLOWED = { isAllowed: true, lacking: [] };

interface Asked {
  readonly topic?: string;
  readonly group?: string;
  readonly checkpoints?: string | undefined;
}

async function asked(world: EventHubsWorld, given: Asked = {}): Promise<ReadonlyMap<string, Permission>> {
  const { connectionString } = world.emulator;
  const { topic = "flights", group = "delays", checkpoints } = { checkpoints: world.emulator.checkpoints, ...given };
  const driver = new EventHubsDriver({ connectionString, checkpoints, developmentEmulator: true }).open({ report: SILENT });
  try {
    const found = await driver.admin.permissions!(topic, { group, nativeGroup: undefined }, SIGNAL);
    return new Map(found.map((permission) => [permission.operation, permission]));
  } finally {
    await driver.close();
  }
}

async function blobNames(world: EventHubsWorld): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of world.container.listBlobsFlat()) names.push(name);
  return names;
}

test("everything that may be done is told, and nothing is left behind", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const found = await asked(world);
  expect([...found.keys()]).toEqual(["send", "consume", "resetGroup", "deleteGroup"]);
  for (const permission of found.values()) expect(permission).toMatchObject(ALLOWED);
  expect(await blobNames(world)).toEqual([]);
  const connection = await world.connect();
  for await (const { value } of connection.topic("flights", { codec: text() }).reader({ until: "now" }))
    throw new Error(`${value} is stored`);
});

test("of a consumer group that is not made yet nobody knows whether it may be read in", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const found = await asked(world, { group: "later" });
  expect(found.get("send")).toMatchObject(ALLOWED);
  for (const operation of ["consume", "resetGroup", "deleteGroup"])
    expect(found.get(operation), operation).toMatchObject({
      isAllowed: null,
      lacking: [expect.stringContaining("Azure Event Hubs Data Receiver")],
    });
});

test.each([
  ["Send", ["consume", "resetGroup", "deleteGroup"], "Azure Event Hubs Data Receiver"],
  ["Listen", ["send"], "Azure Event Hubs Data Sender"],
] as const)("with the claim %s alone: what is lacking has its name", GENEROUS, async (claim, denied, right) => {
  await using world = await EventHubsWorld.start({ policies: { part: { key: KEY, claims: [claim] } } });
  for (const [operation, permission] of await asked(world)) {
    const isDenied = (denied as readonly string[]).includes(operation);
    expect(permission, operation).toMatchObject(isDenied ? { isAllowed: false, lacking: [expect.stringContaining(right)] } : ALLOWED);
  }
});

test.each([
  ["ListBlobs", "list", ["consume", "resetGroup", "deleteGroup"]],
  ["ReadBlob", "read", ["consume", "resetGroup", "deleteGroup"]],
  ["WriteBlob", "write", ["consume", "resetGroup", "deleteGroup"]],
  ["DeleteBlob", "delete", ["deleteGroup"]],
] as const)("a refusal of %s is a right on the container that is lacking", GENEROUS, async (call, what, denied) => {
  await using world = await EventHubsWorld.start();
  world.emulator.answerWith({ call, status: 403, times: 10 });
  for (const [operation, permission] of await asked(world)) {
    const isDenied = (denied as readonly string[]).includes(operation);
    const lacking = [`Storage Blob Data Contributor on the container, to ${what} blobs`];
    expect(permission, operation).toMatchObject(isDenied ? { isAllowed: false, lacking } : ALLOWED);
  }
});

test("groups in this process need no container, and without a place for groups nothing is said of them", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  world.emulator.answerWith({ call: "ListBlobs", status: 403, times: 10 });
  expect((await asked(world, { checkpoints: "memory" })).get("deleteGroup")).toMatchObject(ALLOWED);
  expect([...(await asked(world, { checkpoints: undefined })).keys()]).toEqual(["send"]);
});

test("who reads beside a group is permitted to, though the group excludes it", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  const handled: string[] = [];
  const topic = connection.topic("flights", { codec: text() });
  const consumer = topic.consumer({ group: "delays", initialPosition: "earliest", sessionTimeoutMs: 3_000 });
  const running = consumer.run(({ value }) => void handled.push(value));
  const producer = topic.producer();
  await producer.send({ key: "LH400", value: "1" });
  await expect.poll(() => handled, { timeout: 30_000 }).toEqual(["1"]);
  expect((await asked(world)).get("consume")).toMatchObject(ALLOWED);
  await producer.send({ key: "LH400", value: "2" });
  await expect.poll(() => handled, { timeout: 30_000 }).toEqual(["1", "2"]);
  await consumer.close();
  await running;
});

test("a hub and a container that are missing are errors, and so is a service that is busy", GENEROUS, async () => {
  await using world = await EventHubsWorld.start({ topics: { flights: { partitions: 1, groups: ["delays"] } } });
  await expect(asked(world, { topic: "nowhere" })).rejects.toMatchObject({ code: "MessagingEntityNotFoundError" });
  const elsewhere = world.emulator.checkpoints.replace(/checkpoints$/, "elsewhere");
  await expect(asked(world, { checkpoints: elsewhere })).rejects.toMatchObject({ code: "ContainerNotFound" });
  world.emulator.answerWith({ call: "AttachSender", condition: "com.microsoft:server-busy", times: 10 });
  await expect(asked(world)).rejects.toMatchObject({ code: "ServerBusyError" });
});

test("doctor tells what is lacking, and whom to ask for it", GENEROUS, async () => {
  await using world = await EventHubsWorld.start({ policies: { part: { key: KEY, claims: ["Listen"] } } });
  const { output } = await runInProcess(["doctor", "--json", "--topic", "flights", "--group", "delays"], world.emulator.url);
  const findings = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly check: string; readonly result: string });
  const results = Object.fromEntries(findings.map(({ check, result }) => [check, result]));
  expect(results).toMatchObject({ send: "doubtful", consume: "ok", "reset group": "ok", "delete group": "ok" });
  const advice = findings.find(({ check }) => check === "send");
  expect(JSON.stringify(advice)).toContain("ask for the permission: Azure Event Hubs Data Sender (the claim Send)");
});

test("the guide names each right", async () => {
  const guide = await readFile(new URL("../../../../adapters/event-hubs/README.md", import.meta.url), "utf8");
  for (const right of ["Azure Event Hubs Data Sender", "Azure Event Hubs Data Receiver", "Storage Blob Data Contributor"])
    expect(guide).toContain(right);
});
