import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { kinesis } from "../../../../adapters/kinesis/index.ts";
import { WAIT, keyed, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

const TIMEOUT_MS = 10_000;

function deny(world: KinesisWorld, operations: readonly string[]): void {
  for (const operation of operations) world.emulator.answerWith({ operation, error: "AccessDeniedException", times: Infinity });
}

/** As `doctor` asks for them. */
async function permissionsOn({ emulator: { endpoint, region } }: KinesisWorld) {
  const report = Object.assign(() => undefined, { wants: () => false });
  const driver = kinesis({ endpoint, region }).open({ report });
  try {
    const found = await driver.admin.permissions!("orders", { group: "workers", nativeGroup: undefined }, AbortSignal.timeout(TIMEOUT_MS));
    return new Map(found.map(({ operation, isAllowed, lacking }) => [operation, { isAllowed, lacking }]));
  } finally {
    await driver.close();
  }
}

test("who may only write can write, in order, and is told what nobody looks at then", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  deny(world, ["DescribeStreamSummary", "ListShards"]);
  const warnings: string[] = [];
  const note = (event: unknown): void => void warnings.push((event as { readonly text: string }).text);
  subscribe("streamport:warning", note);
  const connection = await world.connect();
  try {
    const receipts = await Promise.all(
      [0, 1, 2].map(async (number) =>
        keyed(connection, "orders")
          .producer()
          .send({ value: `a ${number}` }),
      ),
    );
    // A position without the identity of its stream would fit no reader.
    for (const { position, partition } of receipts) expect([position, partition]).toEqual([null, null]);
  } finally {
    unsubscribe("streamport:warning", note);
  }
  expect(warnings.some((text) => text.includes("DescribeStreamSummary") && text.includes("AUTO"))).toBe(true);
  world.emulator.clearFaults();
  const other = await world.connect();
  expect((await stored(other, "orders")).toSorted()).toEqual(["a 0", "a 1", "a 2"]);
});

test("who may do everything is told what only doing it can show, and what is refused by its name", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const allowed = await permissionsOn(world);
  expect(allowed.get("send")).toEqual({ isAllowed: null, lacking: ["kinesis:PutRecords on the stream"] });
  expect(allowed.get("consume")).toMatchObject({ isAllowed: null });
  expect(allowed.get("consume")!.lacking).toContain("dynamodb:UpdateItem on streamport.orders.workers");
  expect(allowed.get("deleteGroup")!.lacking).toContain("dynamodb:DeleteTable on streamport.orders.workers");
  deny(world, ["GetRecords"]);
  const denied = await permissionsOn(world);
  expect(denied.get("consume")).toEqual({ isAllowed: false, lacking: ["kinesis:GetRecords on the stream"] });
  expect(denied.get("send")).toMatchObject({ isAllowed: null });
});

test("a stream, or a table, that may not be used is permission-denied: for readers, members and the administration", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  deny(world, ["GetRecords"]);
  await expect(stored(connection, "orders")).rejects.toMatchObject({ code: "permission-denied" });
  world.emulator.clearFaults();
  deny(world, ["UpdateItem", "PutItem", "CreateTable"]);
  const refused = member(connection, "orders", { group: "others" });
  await refused.running;
  expect(refused.failure).toMatchObject({ code: "permission-denied" });
  await expect(connection.admin.resetGroup("orders", "others", "earliest")).rejects.toMatchObject({ code: "permission-denied" });
  world.emulator.clearFaults();
  const consuming = member(connection, "orders");
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
});
